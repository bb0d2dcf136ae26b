// The CUDA matrix product without a GPU: its index maps, swizzles, fragments and schedule are the
// functions that the kernel calls, run here thread by thread, with mma.sync emulated as the PTX ISA
// describes it; the results are compared with plain loops. A block's threads run one after another
// between two barriers.
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <type_traits>
#include <vector>

#include "core/plan/implicit_gemm.h"
#include "cuda/conv/products.h"
#include "cuda/gemm/block.h"
#include "cuda/gemm/split.h"
#include "cuda/linear/products.h"
#include "expect.h"

uint3 threadIdx;

namespace {

using namespace striate;
using namespace striate::cuda;

template <int kEdge, bool kA, bool kB>
void add_tile(std::vector<TensorCores<kEdge>>& math, const float* a, const float* b, int) {
  using Math = TensorCores<kEdge>;
  for (int warp = 0; warp < 4; ++warp)
    for (int depth = 0; depth < kTileDepth<float>; depth += 8) {
      uint32_t as[32][Math::kRowFragments][4], bs[32][Math::kColumnFragments][4];
      for (int lane = 0; lane < 32; ++lane)
        Math::template load<kA, kB>(a, b, warp, lane, depth, as[lane], bs[lane]);
      for (int i = 0; i < Math::kRowFragments; ++i)
        for (int j = 0; j < 2 * Math::kColumnFragments; ++j) {
          emulated::MmaRegisters lanes[32];
          for (int lane = 0; lane < 32; ++lane)
            lanes[lane] = {
                {as[lane][i][0], as[lane][i][1], as[lane][i][2], as[lane][i][3]},
                {bs[lane][j / 2][b_register(j % 2, 0)], bs[lane][j / 2][b_register(j % 2, 1)]}};
          for (int lane = 0; lane < 32; ++lane)
            emulated::add_products(lanes, lane, math[warp * 32 + lane].sums[i][j]);
        }
    }
}

template <class T, bool kA, bool kB>
void add_tile(std::vector<Fma<T>>& math, const T* a, const T* b, int tile) {
  for (int thread = 0; thread < kGemmThreads; ++thread)
    math[thread].template add<kA, kB>(a, b, thread / 32, thread % 32, tile);
}

// The kernel's steps (cuda/gemm/kernel.h), each for all threads before the next.
template <class Math, bool kA, bool kB>
void run_blocks(const GemmArguments<typename Math::Element>& arguments) {
  using Block = GemmBlock<Math, kA, kB>;
  using T = typename Math::Element;
  constexpr int kStages = Block::kStages;
  const GemmPlan& plan = arguments.plan;
  const auto blocks =
      static_cast<unsigned>(plan.row_tiles * plan.column_tiles * plan.splits * arguments.groups);
  auto shared = std::make_unique<typename Block::Shared>();
  for (unsigned index = 0; index < blocks; ++index) {
    const GemmTask task = gemm_task(plan, Math::kRows, Math::kColumns, arguments.groups, index);
    std::memset(static_cast<void*>(shared.get()), 0xff, sizeof *shared);  // NaN
    std::vector<Block> block(kGemmThreads);
    std::vector<Math> math(kGemmThreads);
    const auto all = [&](auto step) {
      for (int thread = 0; thread < kGemmThreads; ++thread) {
        threadIdx.x = static_cast<unsigned>(thread);
        step(block[thread], thread);
      }
    };
    all([&](Block& b, int thread) { b.begin(arguments, task, thread, *shared); });
    for (int tile = 0; tile < kStages - 1; ++tile)
      all([&](Block& b, int thread) {
        if (tile < task.tiles) b.copy(arguments, tile, thread, *shared);
        commit_copies();
        b.prepare(arguments, tile + 1, thread, *shared);
      });
    for (int tile = 0; tile < task.tiles; ++tile) {
      const int next = tile + kStages - 1;
      all([](Block&, int) { wait_for_copies<kStages - 2>(); });
      all([&](Block& b, int thread) {
        if (next < task.tiles) b.copy(arguments, next, thread, *shared);
        commit_copies();
        b.prepare(arguments, next + 1, thread, *shared);
      });
      const T* a = shared->tiles.a[tile % kStages];
      const T* b = shared->tiles.b[tile % kStages];
      if constexpr (std::is_same_v<Math, Fma<T>>)
        add_tile<T, kA, kB>(math, a, b, tile);
      else
        add_tile<Math::kRows, kA, kB>(math, a, b, tile);
    }
    for (auto& m : math) m.finish();
    all([](Block&, int) { wait_for_copies<0>(); });
    all([&](Block&, int thread) { Block::store_sums(math[thread], thread, *shared); });
    all([&](Block&, int thread) { Block::store_results(arguments, task, thread, *shared); });
  }
}

template <class Math>
void run_on(const GemmArguments<typename Math::Element>& arguments) {
  const bool a = arguments.a.map.depth_major, b = arguments.b.map.depth_major;
  if (a && b) return run_blocks<Math, true, true>(arguments);
  if (a) return run_blocks<Math, true, false>(arguments);
  EXPECT(!b, "no kernel has this layout");
  run_blocks<Math, false, false>(arguments);
}

template <class T>
unsigned share_blocks(int64_t lines, int64_t length) {
  return static_cast<unsigned>(lines * ((length + kPerBlock - 1) / kPerBlock));
}

template <class T>
void sum_all(const GemmArguments<T>& arguments) {
  const unsigned blocks = share_blocks<T>(arguments.groups * arguments.rows, arguments.columns);
  for (unsigned block = 0; block < blocks; ++block)
    for (int thread = 0; thread < kLineThreads; ++thread)
      sum_splits_thread(arguments, block, thread);
}

template <class T>
struct Pointers {
  const T *a, *a_mask, *b, *b_mask, *bias;
  bool relu;
  T* c;
};

int vector_products = 0, split_products = 0;

template <class T>
GemmArguments<T> arguments_of(const Product& p, const Pointers<T>& at) {
  GemmArguments<T> arguments{};
  constexpr int kItem = sizeof(T);
  if (p.depth > 0) {
    arguments.a = {at.a, at.a_mask, p.a, digits_of(p.a.depth, 128 / kItem),
                   reads_vectors(p.a, kItem)};
    arguments.b = {at.b, at.b_mask, p.b, digits_of(p.b.depth, 128 / kItem),
                   reads_vectors(p.b, kItem)};
    vector_products += arguments.a.vectors || arguments.b.vectors;
  }
  arguments.c = {at.c, at.bias, at.relu, p.c};
  arguments.groups = p.groups;
  arguments.rows = p.rows;
  arguments.columns = p.columns;
  return arguments;
}

template <class T>
void run(Product p, Pointers<T> at, GemmMath math) {
  if (p.rows * p.columns * p.groups == 0) return;
  GemmArguments<T> arguments = arguments_of(p, at);
  if (p.depth == 0) return sum_all(arguments);
  arguments.plan = plan_gemm(p, math, sizeof(T), -1);
  if (sizeof(T) == 4 && math == GemmMath::tensor_cores && draw(0, 2) == 0) {
    // The other tile, which only large products get.
    arguments.plan.tile = GemmTile::large;
    arguments.plan.row_tiles = static_cast<int>((p.rows + 127) / 128);
    arguments.plan.column_tiles = static_cast<int>((p.columns + 127) / 128);
  }
  split_products += arguments.plan.splits > 1;
  std::vector<T> partial(static_cast<size_t>(arguments.plan.splits * p.groups * p.rows * p.columns),
                         T(NAN));
  arguments.partial = partial.data();
  if constexpr (sizeof(T) == 4) {
    if (math == GemmMath::fma)
      run_on<Fma<float>>(arguments);
    else if (arguments.plan.tile == GemmTile::large)
      run_on<TensorCores<128>>(arguments);
    else
      run_on<TensorCores<64>>(arguments);
  } else {
    run_on<Fma<double>>(arguments);
  }
  if (arguments.plan.splits > 1) sum_all(arguments);
}

// The same with packed weights.
template <class T>
void run_packed(Product p, Pointers<T> at, GemmMath math) {
  std::vector<T> packed(static_cast<size_t>(p.groups * p.rows * p.depth), T(NAN));
  const PackArguments<T> arguments{at.a, packed.data(), p.a, p.depth};
  for (unsigned block = 0; block < share_blocks<T>(p.groups * p.rows, p.depth); ++block)
    for (int thread = 0; thread < kLineThreads; ++thread) pack_thread(arguments, block, thread);
  at.a = packed.data();
  run(with_packed_a(p), at, math);
}

// ---- plain loops -------------------------------------------------------------------------------

// Small whole numbers: exact in TF32, and in sums of any order.
template <class T>
std::vector<T> numbers(int64_t count) {
  std::vector<T> values(static_cast<size_t>(count));
  for (T& v : values) v = static_cast<T>(draw(-4, 4));
  return values;
}

// Calls term(y's index, x's index, w's index) for each term of a convolution.
template <class Term>
void for_each_term(const ConvProblem& p, Term term) {
  const Window& w = p.window;
  const int64_t rows = p.out_channels / p.groups, channels = p.in_channels / p.groups;
  for (int64_t n = 0; n < p.batch; ++n)
    for (int64_t o = 0; o < p.out_channels; ++o)
      for (int64_t out = 0; out < w.out_size(); ++out)
        for (int64_t c = 0; c < channels; ++c)
          for (int64_t tap = 0; tap < w.kernel_size(); ++tap) {
            int64_t q = out, t = tap, at = 0, size = 1;
            bool in = true;
            for (int i = kSpatial - 1; i >= 0; --i) {
              const int64_t x =
                  q % w.out[i] * w.stride[i] + t % w.kernel[i] * w.dilation[i] - w.pad[i];
              in = in && x >= 0 && x < w.in[i];
              at += x * size;
              size *= w.in[i];
              q /= w.out[i];
              t /= w.kernel[i];
            }
            if (!in) continue;
            term((n * p.out_channels + o) * w.out_size() + out,
                 (n * p.in_channels + o / rows * channels + c) * w.in_size() + at,
                 (o * channels + c) * w.kernel_size() + tap);
          }
}

template <class T>
void compare(const char* what, const std::vector<T>& got, const std::vector<T>& expected) {
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT(got[i] == expected[i], "%s[%zu]: %g, expected %g", what, i, double(got[i]),
           double(expected[i]));
}

ConvProblem random_conv(int attempt) {
  ConvProblem p{};
  for (;;) {
    const bool pointwise = attempt % 4 == 0, wide = attempt % 4 == 1;
    p.rank = static_cast<int>(draw(1, 3));
    p.batch = draw(1, 3);
    p.groups = draw(0, 2) == 0 ? draw(2, 3) : 1;
    p.in_channels = p.groups * (pointwise ? 4 * draw(1, 9) : draw(1, 9));
    p.out_channels = p.groups * (wide ? draw(60, 140) : draw(1, 20));
    Window& w = p.window;
    bool fits = true;
    for (int i = 0; i < kSpatial; ++i) {
      const bool used = i >= kSpatial - p.rank;
      w.in[i] = used ? draw(1, p.rank == 3 ? 6 : 12) : 1;
      w.kernel[i] = used && !pointwise ? draw(1, 4) : 1;
      w.stride[i] = used && !pointwise ? draw(1, 4) : 1;
      w.dilation[i] = used ? draw(1, 3) : 1;
      w.pad[i] = used && !pointwise ? draw(0, 3) : 0;
      w.pad_after[i] = used && !pointwise ? draw(0, 3) : 0;
      const int64_t room =
          w.in[i] + w.pad[i] + w.pad_after[i] - (w.kernel[i] - 1) * w.dilation[i] - 1;
      fits = fits && room >= 0;
      w.out[i] = room / w.stride[i] + 1;
    }
    const int64_t terms =
        p.batch * p.out_channels * w.out_size() * p.in_channels / p.groups * w.kernel_size();
    if (fits && terms < 3000000) return p;
  }
}

template <class T>
void test_conv(const ConvProblem& p, GemmMath math) {
  const int64_t x_count = p.batch * p.in_channels * p.window.in_size();
  const int64_t y_count = p.batch * p.out_channels * p.window.out_size();
  const int64_t w_count = p.out_channels * p.in_channels / p.groups * p.window.kernel_size();
  const std::vector<T> x = numbers<T>(x_count), w = numbers<T>(w_count), dy = numbers<T>(y_count);
  const std::vector<T> mask = numbers<T>(y_count);
  const std::vector<T> bias = numbers<T>(p.out_channels), dx_bias = numbers<T>(p.in_channels);
  const bool masked = draw(0, 1) == 1, biased = draw(0, 1) == 1, relu = draw(0, 1) == 1;

  std::vector<T> y(y_count, T(NAN)), y_expected(y_count, T(0));
  run<T>(forward_product(p),
         {w.data(), nullptr, x.data(), nullptr, biased ? bias.data() : nullptr, relu, y.data()},
         math);
  std::vector<T> dx_expected(x_count, T(0)), dw_expected(w_count, T(0));
  for_each_term(p, [&](int64_t at_y, int64_t at_x, int64_t at_w) {
    const T d = masked && mask[at_y] <= 0 ? T(0) : dy[at_y];
    y_expected[at_y] += x[at_x] * w[at_w];
    dx_expected[at_x] += d * w[at_w];
    dw_expected[at_w] += d * x[at_x];
  });
  for (int64_t i = 0; i < y_count; ++i) {
    if (biased) y_expected[i] += bias[i / p.window.out_size() % p.out_channels];
    if (relu && y_expected[i] < 0) y_expected[i] = 0;
  }
  compare("y", y, y_expected);

  if (biased)
    for (int64_t i = 0; i < x_count; ++i)
      dx_expected[i] += dx_bias[i / p.window.in_size() % p.in_channels];
  const T* dx_bias_data = biased ? dx_bias.data() : nullptr;
  for (const bool packed : {false, true}) {
    std::vector<T> dx(x_count, T(NAN));
    if (input_grad_has_gaps(p))
      run<T>(input_grad_fill(p),
             {nullptr, nullptr, nullptr, nullptr, dx_bias_data, false, dx.data()}, math);
    for (int64_t phase = 0; phase < input_grad_phases(p); ++phase) {
      const Pointers<T> at{w.data(),     nullptr, dy.data(), masked ? mask.data() : nullptr,
                           dx_bias_data, false,   dx.data()};
      if (packed)
        run_packed<T>(input_grad_product(p, phase), at, math);
      else
        run<T>(input_grad_product(p, phase), at, math);
    }
    compare("dx", dx, dx_expected);
  }

  std::vector<T> dw(w_count, T(NAN));
  run<T>(weight_grad_product(p),
         {dy.data(), masked ? mask.data() : nullptr, x.data(), nullptr, nullptr, false, dw.data()},
         math);
  compare("dw", dw, dw_expected);
}

template <class T>
void test_linear(int64_t rows, int64_t in, int64_t out, GemmMath math) {
  LinearProblem p{};
  p.rows = rows;
  p.in_features = in;
  p.out_features = out;
  const std::vector<T> x = numbers<T>(rows * in), w = numbers<T>(out * in);
  const std::vector<T> dy = numbers<T>(rows * out), mask = numbers<T>(rows * out);
  const std::vector<T> bias = numbers<T>(out);
  std::vector<T> y(rows * out, T(NAN)), dx(rows * in, T(NAN)), dw(out * in, T(NAN));
  std::vector<T> y_expected(rows * out), dx_expected(rows * in), dw_expected(out * in);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t o = 0; o < out; ++o) {
      T sum = bias[o];
      const T d = mask[r * out + o] <= 0 ? T(0) : dy[r * out + o];
      for (int64_t i = 0; i < in; ++i) {
        sum += x[r * in + i] * w[o * in + i];
        dx_expected[r * in + i] += d * w[o * in + i];
        dw_expected[o * in + i] += d * x[r * in + i];
      }
      y_expected[r * out + o] = sum < 0 ? T(0) : sum;
    }
  run<T>(linear_forward_product(p),
         {x.data(), nullptr, w.data(), nullptr, bias.data(), true, y.data()}, math);
  run<T>(linear_input_grad_product(p),
         {dy.data(), mask.data(), w.data(), nullptr, nullptr, false, dx.data()}, math);
  run<T>(linear_weight_grad_product(p),
         {dy.data(), mask.data(), x.data(), nullptr, nullptr, false, dw.data()}, math);
  compare("linear y", y, y_expected);
  compare("linear dx", dx, dx_expected);
  compare("linear dw", dw, dw_expected);
}

}  // namespace

int main(int argc, char** argv) {
  const int attempts = argc > 1 ? std::atoi(argv[1]) : 40;
  for (int i = 0; i < attempts; ++i) {
    const ConvProblem p = random_conv(i);
    test_conv<float>(p, GemmMath::tensor_cores);
    test_conv<float>(p, GemmMath::fma);
    test_conv<double>(p, GemmMath::fma);
    const int64_t aligned = i % 2 == 0 ? 4 : 1;
    const int64_t rows = aligned * draw(1, 40), in = aligned * draw(1, 60);
    const int64_t out = aligned * draw(1, 50), depth = draw(0, 3) == 0 ? 20 * in : in;
    test_linear<float>(rows, depth, out, GemmMath::tensor_cores);
    test_linear<float>(rows, depth, out, GemmMath::fma);
    test_linear<double>(rows, depth, out, GemmMath::fma);
  }
  EXPECT(vector_products > 0 && split_products > 0, "the problems must take every path");
  std::printf("%d products with vectors, %d split; %d failures\n", vector_products, split_products,
              failures);
  return failures == 0 ? 0 : 1;
}
