// The index maps of the CUDA kernels, on the host, against plain division.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "cuda/index.h"
#include "cuda/reduce/channels.h"

namespace {

using namespace striate::cuda;

int failures = 0;

void expect(bool holds, const char* what, int64_t a, int64_t b) {
  if (holds) return;
  std::printf("%s: %lld, %lld\n", what, static_cast<long long>(a), static_cast<long long>(b));
  ++failures;
}

void divisors() {
  const int64_t divisors[] = {1,
                              2,
                              3,
                              5,
                              7,
                              10,
                              49,
                              64,
                              127,
                              1000,
                              3025,
                              65535,
                              65536,
                              65537,
                              12345678,
                              INT32_MAX - 1,
                              INT32_MAX,
                              int64_t{1} << 31,
                              (int64_t{1} << 40) + 1};
  for (const int64_t d : divisors) {
    const Divisor narrow(d, INT32_MAX), wide(d, INT64_MAX);
    for (int64_t near = 0; near <= INT32_MAX; near += near < 5000 ? 1 : near / 7)
      for (int64_t n = near - 2; n <= near + 2; ++n)
        if (n >= 0 && n <= INT32_MAX) expect(narrow.quotient(n) == n / d, "narrow", n, d);
    for (int64_t multiple = 0; multiple < INT32_MAX - d && multiple < 1000 * d; multiple += d)
      for (int64_t n = multiple; n <= multiple + 1; ++n)
        expect(narrow.quotient(n) == n / d, "multiple", n, d);
    for (const int64_t n : {int64_t{0}, d - 1, d, d + 1, 5 * (d + 1), INT64_MAX / 2})
      expect(wide.quotient(n) == n / d, "wide", n, d);
  }
}

// Every element of a channel is in one thread's share, once.
void channel_cuts() {
  const int64_t shapes[][3] = {{1, 1, 1},    {7, 3, 5},       {128, 64, 49}, {2, 5, 12544},
                               {300, 40, 1}, {1, 2, 1 << 20}, {5000, 3, 1},  {3, 4, 4097},
                               {0, 3, 4},    {4, 3, 0},       {70000, 1, 3}, {9, 1000, 2}};
  for (const auto& s : shapes) {
    const int64_t outer = s[0], channels = s[1], inner = s[2];
    const ChannelCut cut(outer, channels, inner);
    const int64_t channel = channels - 1;
    int64_t seen = 0, sum = 0, wanted = 0;
    for (int64_t portion = 0; portion < cut.portions; ++portion)
      for (int64_t thread = 0; thread < 3; ++thread) {
        const Share share = cut.share(channel, portion, thread, 3);
        for (int64_t i = share.first; i < share.length; i += share.stride) {
          const Place place = share.at(i);
          const int64_t at = (place.outer * channels + channel) * inner + place.inner;
          expect(place.offset == at && place.inner < inner, "place", place.offset, at);
          ++seen;
          sum += at;
        }
      }
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t i = 0; i < inner; ++i) wanted += (o * channels + channel) * inner + i;
    expect(seen == outer * inner, "elements", seen, outer * inner);
    expect(sum == wanted, "their places", sum, wanted);
    const ChannelOf channel_of(outer, channels, inner);
    for (int64_t i = 0; i < outer * channels * inner; i += 1 + i / 100)
      expect(channel_of(i) == i / inner % channels, "channel", i, channel_of(i));
  }
}

// What is refused says what to do; the emulated device has compute capability 2.2.
void errors() {
  const auto told = [](cudaError_t status, const char* text) {
    try {
      check(status, "a call");
    } catch (const CudaError& error) {
      return std::string(error.what()).find(text) != std::string::npos;
    }
    return false;
  };
  check(cudaSuccess, "a call");
  expect(told(cudaErrorInsufficientDriver, "driver"), "no driver", 0, 0);
  expect(told(cudaErrorNoDevice, "CUDA_VISIBLE_DEVICES"), "no device", 0, 0);
  for (const cudaError_t status : {cudaErrorNoKernelImageForDevice, cudaErrorInvalidDeviceFunction,
                                   cudaErrorUnsupportedPtxVersion})
    for (const auto& [device, advice] :
         {std::pair("75", "capability 8.0 or more, this one has 7.5"),
          std::pair("103", "CUDAARCHS")}) {
      setenv("STRIATE_EMULATED_WITHOUT_CODE", device, 1);
      expect(told(status, advice), "no code", status, 0);
    }
  unsetenv("STRIATE_EMULATED_WITHOUT_CODE");
  expect(told(cudaErrorMemoryAllocation, "smaller batch"), "no memory", 0, 0);
  expect(told(cudaErrorMisalignedAddress, "CUDA_LAUNCH_BLOCKING=1"), "misaligned", 0, 0);
}

}  // namespace

int main() {
  divisors();
  channel_cuts();
  errors();
  std::puts(failures == 0 ? "all index maps agree" : "index maps differ");
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
