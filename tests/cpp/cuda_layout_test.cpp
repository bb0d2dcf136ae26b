// Where the CUDA matrix product finds its elements, without a GPU: index maps, and tiles in shared
// memory as copies, ldmatrix and mma.sync see them, element by element and bank by bank.
#include <algorithm>
#include <cstring>
#include <set>
#include <type_traits>
#include <vector>

#include "cuda/gemm/block.h"
#include "expect.h"

uint3 threadIdx;

namespace {

using namespace striate;
using namespace striate::cuda;

// ---- index maps --------------------------------------------------------------------------------

void test_quotients() {
  for (int i = 0; i < 1000; ++i) {
    const int64_t a = draw(0, INT64_MAX) >> draw(0, 62),
                  b = (draw(1, INT64_MAX) >> draw(1, 61)) | 1;
    EXPECT(quotient(a, b) == a / b, "%lld / %lld", static_cast<long long>(a),
           static_cast<long long>(b));
  }
}

// Going on by steps comes to the same digits as starting anew, also past 2^31 indices.
void test_advance() {
  for (int i = 0; i < 200; ++i) {
    IndexMap map = plain_map(int64_t{1} << 40, 1);
    for (int& radix : map.radix) radix = static_cast<int>(draw(1, 50));
    int64_t index = draw(0, int64_t{1} << draw(5, 36));
    const int64_t step = draw(1, 300);
    const Digits by = digits_of(map, step);
    Digits digits = digits_of(map, index);
    for (int k = 0; k < 20; ++k) {
      const Digits anew = digits_of(map, index);
      const int64_t back =
          ((digits.outer * map.radix[0] + digits.at[0]) * map.radix[1] + digits.at[1]) *
              map.radix[2] +
          digits.at[2];
      EXPECT(back == index && digits.outer == anew.outer && digits.at[2] == anew.at[2],
             "index %lld", static_cast<long long>(index));
      advance(map, by, digits);
      index += step;
    }
  }
}

// ---- shared memory -----------------------------------------------------------------------------

// How many times the busiest bank is asked for different words; each lane takes `bytes` from its
// byte address, and those of a transaction come together.
template <class Address>
int conflicts(int bytes, Address address) {
  const int per_transaction = bytes <= 4 ? 32 : 128 / bytes;
  int most = 0;
  for (int first = 0; first < 32; first += per_transaction) {
    std::set<int> words[32];
    for (int lane = first; lane < first + per_transaction; ++lane)
      for (int word = 0; word < bytes / 4; ++word) {
        const int at = address(lane) / 4 + word;
        words[at % 32].insert(at);
      }
    for (const auto& bank : words) most = std::max(most, static_cast<int>(bank.size()));
  }
  return most;
}

template <class T, int kLines, bool kDepthMajor>
void test_tile() {
  std::set<int> seen;
  constexpr int kDepth = kTileDepth<T>, kItem = sizeof(T), kVector = 16 / kItem;
  for (int line = 0; line < kLines; ++line)
    for (int depth = 0; depth < kDepth; ++depth) {
      const int at = tile_offset<T, kLines, kDepthMajor>(line, depth);
      EXPECT(at >= 0 && at < kLines * kDepth && seen.insert(at).second, "line %d depth %d", line,
             depth);
      // The elements that a 16-byte copy brings stay together.
      const int in_vector = (kDepthMajor ? depth : line) % kVector;
      const int start = kDepthMajor ? tile_offset<T, kLines, true>(line, depth - in_vector)
                                    : tile_offset<T, kLines, false>(line - in_vector, depth);
      EXPECT(at == start + in_vector && start % kVector == 0, "line %d depth %d", line, depth);
      EXPECT(line + 32 >= kLines || (tile_offset<T, kLines, kDepthMajor>(line + 32, depth)) ==
                                        at + (tile_offset<T, kLines, kDepthMajor>(32, 0)),
             "line %d depth %d", line, depth);
    }
  using Loaded = Loader<T, kLines, kDepthMajor, false, 0>;
  const auto copied = [&](auto vector, int warp, int other) {
    constexpr int kCount = decltype(vector)::value;
    return conflicts(kCount * kItem, [=](int lane) {
      const int thread = warp * 32 + lane;
      const int along = Loaded::template lane<kCount>(thread);
      const int across = thread / Loaded::template lanes<kCount> + other;
      return kItem * (kDepthMajor ? tile_offset<T, kLines, true>(across, along)
                                  : tile_offset<T, kLines, false>(along, across));
    });
  };
  for (int warp = 0; warp < 4; ++warp) {
    EXPECT(copied(std::integral_constant<int, 1>{}, warp, 0) == 1, "single copies");
    EXPECT(copied(std::integral_constant<int, kVector>{}, warp, 0) == 1, "vector copies");
  }
}

template <int kLines, bool kDepthMajor>
void test_fragment() {
  std::vector<float> tile(kLines * kTileDepth<float>);
  for (int line = 0; line < kLines; ++line)
    for (int depth = 0; depth < kTileDepth<float>; ++depth)
      tile[tile_offset<float, kLines, kDepthMajor>(line, depth)] =
          static_cast<float>(line * 64 + depth);
  for (int line = 0; line < 32; line += 16)
    for (int depth = 0; depth < kTileDepth<float>; depth += 8) {
      for (int lane = 0; lane < 32; ++lane) {
        uint32_t registers[4];
        load_fragment<kLines, kDepthMajor>(tile.data(), line, depth, lane, registers);
        for (int r = 0; r < 4; ++r) {
          float value;
          std::memcpy(&value, &registers[r], 4);
          const int expected = (line + lane / 4 + r % 2 * 8) * 64 + depth + lane % 4 + r / 2 * 4;
          EXPECT(value == static_cast<float>(expected), "lane %d register %d", lane, r);
        }
      }
      if (kDepthMajor) {
        // ldmatrix: lanes 8 i to 8 i + 7 name the lines of matrix i; register i of a lane is word
        // lane % 4 of line lane / 4.
        for (int lane = 0; lane < 32; ++lane) {
          EXPECT(ldmatrix_offset(line, depth, lane) ==
                     (tile_offset<float, kLines, true>(line + ldmatrix_line(lane),
                                                       depth + ldmatrix_depth(lane))),
                 "lane %d", lane);
          for (int i = 0; i < 4; ++i) {
            const int at = ldmatrix_offset(line, depth, 8 * i + lane / 4) + lane % 4;
            EXPECT(at == (tile_offset<float, kLines, true>(line + fragment_line(lane, i),
                                                           depth + fragment_depth(lane, i))),
                   "lane %d matrix %d", lane, i);
          }
        }
        EXPECT(conflicts(16, [=](int lane) { return 4 * ldmatrix_offset(line, depth, lane); }) == 1,
               "ldmatrix");
      } else {
        for (int r = 0; r < 4; ++r)
          EXPECT(conflicts(4,
                           [=](int lane) {
                             return 4 * tile_offset<float, kLines, false>(
                                            line + fragment_line(lane, r),
                                            depth + fragment_depth(lane, r));
                           }) == 1,
                 "register %d", r);
      }
    }
}

template <class T, bool kDepthMajor>
void test_fma_reads() {
  for (int depth = 0; depth < kTileDepth<T>; ++depth)
    for (int i = 0; i < 4; ++i) {
      const auto row = [=](int lane) {
        return static_cast<int>(sizeof(T)) *
               tile_offset<T, 64, kDepthMajor>(lane / 8 + 4 * i, depth);
      };
      const auto column = [=](int lane) {
        return static_cast<int>(sizeof(T)) *
               tile_offset<T, 64, kDepthMajor>(lane % 8 + 8 * i, depth);
      };
      EXPECT(conflicts(sizeof(T), row) == 1, "rows at depth %d", depth);
      EXPECT(conflicts(sizeof(T), column) == 1, "columns at depth %d", depth);
    }
}

// Every sum of a block has one lane that owns it; storing them meets no bank twice.
template <class Math>
void test_sums() {
  using T = typename Math::Element;
  using Block = GemmBlock<Math, true, false>;
  std::set<int> seen;
  for (int thread = 0; thread < kGemmThreads; ++thread)
    for (int s = 0; s < Math::kCount; ++s) {
      const int row = Math::row(thread / 32, thread % 32, s);
      const int column = Math::column(thread / 32, thread % 32, s);
      EXPECT(row >= 0 && row < Math::kRows && column >= 0 && column < Math::kColumns &&
                 seen.insert(row * Math::kColumns + column).second,
             "thread %d sum %d", thread, s);
    }
  EXPECT(static_cast<int>(seen.size()) == Math::kRows * Math::kColumns, "sums");
  for (int s = 0; s < Math::kCount; ++s) {
    const int most = conflicts(sizeof(T), [=](int lane) {
      return static_cast<int>(sizeof(T)) *
             (Math::row(1, lane, s) * Block::kSumStride + Math::column(1, lane, s));
    });
    // Two neighbouring sums of mma.sync are stored one by one.
    EXPECT(most <= (std::is_same_v<Math, Fma<T>> ? 1 : 2), "sum %d: %d", s, most);
  }
}

}  // namespace

int main() {
  test_quotients();
  test_advance();
  test_tile<float, 64, true>();
  test_tile<float, 64, false>();
  test_tile<float, 128, true>();
  test_tile<float, 128, false>();
  test_tile<double, 64, true>();
  test_tile<double, 64, false>();
  test_fragment<64, true>();
  test_fragment<64, false>();
  test_fragment<128, true>();
  test_fragment<128, false>();
  test_fma_reads<float, true>();
  test_fma_reads<float, false>();
  test_fma_reads<double, true>();
  test_fma_reads<double, false>();
  test_sums<TensorCores<64>>();
  test_sums<TensorCores<128>>();
  test_sums<Fma<float>>();
  test_sums<Fma<double>>();
  std::printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
