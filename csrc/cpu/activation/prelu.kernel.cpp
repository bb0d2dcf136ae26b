// A leaky rectifier with a learned slope for each channel.
#include "core/formula/activation.h"
#include "cpu/kernels.h"
#include "cpu/reduce/channel_sums.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

// body(i, n, slopes) for every vector.
template <class T, class Body>
STRIATE_INLINE void for_each_channel(const PreluProblem& p, const T* weight, const Context& context,
                                     const Body& body) {
  if (p.inner == 1 && p.channels > 1) {
    const int64_t together = ceil_div(kElementsPerChunk, p.channels);
    parallel_for(context, ceil_div(p.outer, together), 0, [&](int64_t chunk, void*) {
      const int64_t end = (chunk + 1) * together < p.outer ? (chunk + 1) * together : p.outer;
      for (int64_t o = chunk * together; o < end; ++o)
        for_each_vector<T>(0, p.channels, [&](int64_t c, int n) {
          body(o * p.channels + c, n, Vec<T>::load(weight + c, n));
        });
    });
    return;
  }
  const int64_t planes = p.outer * p.channels;
  const int64_t pieces = ceil_div(p.inner, kElementsPerChunk);
  const int64_t together = p.inner > 0 ? ceil_div(kElementsPerChunk, p.inner) : 1;
  parallel_for(context, ceil_div(planes * pieces, together), 0, [&](int64_t chunk, void*) {
    const int64_t last = (chunk + 1) * together;
    for (int64_t i = chunk * together; i < (last < planes * pieces ? last : planes * pieces); ++i) {
      const int64_t plane = i / pieces, begin = i % pieces * kElementsPerChunk;
      const int64_t end = begin + kElementsPerChunk < p.inner ? begin + kElementsPerChunk : p.inner;
      const Vec<T> slope = Vec<T>::set(weight[plane % p.channels]);
      for_each_vector<T>(plane * p.inner + begin, plane * p.inner + end,
                         [&](int64_t at, int n) { body(at, n, slope); });
    }
  });
}

template <class T>
void prelu(const PreluProblem& p, const T* x, const T* weight, T* y, const Context& context) {
  for_each_channel(p, weight, context, [=](int64_t i, int n, Vec<T> slope) {
    formula::leaky_relu(Vec<T>::load(x + i, n), slope).store(y + i, n);
  });
}

template <class T>
void prelu_grad(const PreluProblem& p, const T* dy, const T* x, const T* weight, T* dx, T* dweight,
                const Context& context) {
  for_each_channel(p, weight, context, [=](int64_t i, int n, Vec<T> slope) {
    formula::leaky_relu_grad(Vec<T>::load(dy + i, n), Vec<T>::load(x + i, n), slope)
        .store(dx + i, n);
  });
  channel_sums(p, dweight, context, [=](int64_t i, int n) {
    return formula::prelu_slope_grad(Vec<T>::load(dy + i, n), Vec<T>::load(x + i, n));
  });
}

}  // namespace

const PreluKernels<float> prelu_f32 = {prelu<float>, prelu_grad<float>};
const PreluKernels<double> prelu_f64 = {prelu<double>, prelu_grad<double>};

}  // namespace striate::cpu::STRIATE_ISA
