#include <algorithm>
#include <chrono>
#include <cstring>
#include <vector>

#include "bindings/arguments.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/register.h"
#include "core/check.h"
#include "core/memory.h"

namespace striate::bindings {
namespace {

// The highest rate of work() over `seconds`, in 1e9 of what it returns a second.
template <class Work>
double best_rate(double seconds, const Work& work) {
  using clock = std::chrono::steady_clock;
  const auto start = clock::now();
  double best = 0, elapsed;
  do {
    const auto begin = clock::now();
    const double amount = work();
    const auto end = clock::now();
    best = std::max(best, amount / std::chrono::duration<double>(end - begin).count());
    elapsed = std::chrono::duration<double>(end - start).count();
  } while (elapsed < seconds);
  return best * 1e-9;
}

// GFLOP/s of fused multiply-adds in registers, on all threads.
double fma_rate(const std::string& dtype, double seconds) {
  check(dtype == "float32" || dtype == "float64", "fma_rate",
        "dtype must be float32 or float64. Got '", dtype, "'.");
  double rate = 0;
  run_for(dtype == "float32" ? DType::f32 : DType::f64, [&](auto tag) {
    using T = typename decltype(tag)::type;
    std::vector<T> sums(256);
    rate = best_rate(seconds, [&] {
      return static_cast<double>(kernels<T>().ceiling->fma(256, sums.data(), context()));
    });
  });
  return rate;
}

// GB/s, read and written together, of copies that touch `bytes` bytes in all, on all threads.
double copy_rate(int64_t bytes, double seconds) {
  check(bytes >= 8, "copy_rate", "bytes must be at least 8. Got ", bytes, ".");
  double rate = 0;
  run_kernels([&] {
    const int64_t count = bytes / 8;
    Buffer x(4 * count), y(4 * count);
    std::memset(x.data(), 0, 4 * count);
    const auto copy = [&] {
      kernels<float>().ceiling->copy(count, static_cast<const float*>(x.data()),
                                     static_cast<float*>(y.data()), context());
      return 8.0 * static_cast<double>(count);
    };
    copy();  // the first one pays for fresh pages
    rate = best_rate(seconds, copy);
  });
  return rate;
}

}  // namespace

void register_ceiling(py::module_& module) {
  module.def("fma_rate", fma_rate, py::arg("dtype"), py::arg("seconds"));
  module.def("copy_rate", copy_rate, py::arg("bytes"), py::arg("seconds"));
}

}  // namespace striate::bindings
