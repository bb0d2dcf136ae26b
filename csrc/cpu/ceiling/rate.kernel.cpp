// What this machine can do at best, for the benchmark to divide by.
#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

// Enough independent chains to hide the latency of a multiply and an add on two ports each, and few
// enough that they fit, with the two constants, into 16 registers.
inline constexpr int kChains = 12;
inline constexpr int64_t kSteps = 16384;

// c = c * a + b in every chain: nothing can be hoisted, and all values stay near 2.
template <class T>
int64_t fma(int64_t chunks, T* sums, const Context& context) {
  parallel_for(context, chunks, 0, [=](int64_t chunk, void*) {
    const Vec<T> a = Vec<T>::set(T(0.5)), b = Vec<T>::set(T(1));
    Vec<T> c[kChains];
    for (int i = 0; i < kChains; ++i) c[i] = Vec<T>::set(T(i));
    for (int64_t step = 0; step < kSteps; ++step)
      for (int i = 0; i < kChains; ++i) c[i] = cpu::fma(c[i], a, b);
    for (int i = 1; i < kChains; ++i) c[0] = c[0] + c[i];
    c[0].store(sums + chunk, 1);
  });
  return 2 * chunks * kSteps * kChains * Vec<T>::lanes;
}

template <class T>
void copy(int64_t count, const T* x, T* y, const Context& context) {
  parallel_elements(context, count, [=](int64_t begin, int64_t end) {
    for_each_vector<T>(begin, end,
                       [=](int64_t i, int n) { Vec<T>::load(x + i, n).store(y + i, n); });
  });
}

}  // namespace

const CeilingKernels<float> ceiling_f32 = {fma<float>, copy<float>};
const CeilingKernels<double> ceiling_f64 = {fma<double>, copy<double>};

}  // namespace striate::cpu::STRIATE_ISA
