// Planes times a number each, and the gradients of both in one sweep.
#include "cpu/kernels.h"
#include "cpu/softmax/sums.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

// body(plane) for every plane, in chunks of about as many elements.
template <class Body>
STRIATE_INLINE void for_each_plane(const ScaleChannelsProblem& p, const Context& context,
                                   const Body& body) {
  const int64_t together = p.inner > 0 ? ceil_div(kElementsPerChunk, p.inner) : kElementsPerChunk;
  parallel_for(context, ceil_div(p.planes, together), 0, [&](int64_t chunk, void*) {
    const int64_t end = (chunk + 1) * together;
    for (int64_t i = chunk * together; i < (end < p.planes ? end : p.planes); ++i) body(i);
  });
}

template <class T>
void forward(const ScaleChannelsProblem& p, const T* x, const T* scale, T* y,
             const Context& context) {
  for_each_plane(p, context, [=](int64_t plane) {
    const Vec<T> own = Vec<T>::set(scale[plane]);
    for_each_vector<T>(plane * p.inner, (plane + 1) * p.inner,
                       [=](int64_t i, int n) { (Vec<T>::load(x + i, n) * own).store(y + i, n); });
  });
}

template <class T>
void grad(const ScaleChannelsProblem& p, const T* dy, const T* x, const T* scale, T* dx, T* dscale,
          const Context& context) {
  for_each_plane(p, context, [=](int64_t plane) {
    const Vec<T> own = Vec<T>::set(scale[plane]);
    const int64_t first = plane * p.inner;
    dscale[plane] = static_cast<T>(row_sum<T>(p.inner, [=](int64_t i, int n) {
      const Vec<T> g = Vec<T>::load(dy + first + i, n);
      (g * own).store(dx + first + i, n);
      return g * Vec<T>::load(x + first + i, n);
    }));
  });
}

}  // namespace

const ScaleChannelsKernels<float> scale_channels_f32 = {forward<float>, grad<float>};
const ScaleChannelsKernels<double> scale_channels_f64 = {forward<double>, grad<double>};

}  // namespace striate::cpu::STRIATE_ISA
