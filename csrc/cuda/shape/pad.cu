// Constant padding of planes, and its gradient, which cuts the padding off.
#include "cuda/index.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"

namespace striate::cuda {
namespace {

// Planes of one size read from or written to the inside of planes of another. A loop goes over
// packs of the result, which may begin and end anywhere in a row.
struct Planes {
  Divisor width, height;  // the result's
  int64_t other_width, other_height, top, left;

  Planes(int64_t planes, int64_t height_size, int64_t width_size, int64_t other_h, int64_t other_w,
         int64_t t, int64_t l)
      : width(width_size, planes * height_size * width_size),
        height(height_size, planes * height_size),
        other_width(other_w),
        other_height(other_h),
        top(t),
        left(l) {}
  struct Place {
    int64_t plane, h, w;
  };
  STRIATE_DEVICE Place operator()(int64_t i) const {
    const Division row = divide(i, width), plane = divide(row.quotient, height);
    return {plane.quotient, plane.remainder, row.remainder};
  }
  STRIATE_DEVICE void step(Place& place) const {
    if (++place.w < width.value()) return;
    place.w = 0;
    if (++place.h < height.value()) return;
    place.h = 0;
    ++place.plane;
  }
  // Where this element lies in the other array, or -1: `top` and `left` are subtracted.
  STRIATE_DEVICE int64_t other(const Place& place) const {
    const int64_t h = place.h - top, w = place.w - left;
    const bool inside = h >= 0 && h < other_height && w >= 0 && w < other_width;
    return inside ? (place.plane * other_height + h) * other_width + w : -1;
  }
};

template <class T>
__global__ void planes_kernel(int64_t count, const __grid_constant__ Planes planes, T value,
                              const T* __restrict__ from, T* __restrict__ to) {
  constexpr int size = Pack<T>::size;
  const bool aligned = is_aligned(to);
  for (int64_t i = thread_index() * size; i < count; i += thread_count() * size) {
    Planes::Place place = planes(i);
    Pack<T> pack;
    STRIATE_UNROLL
    for (int k = 0; k < size; ++k) {
      const int64_t other = i + k < count ? planes.other(place) : -1;
      pack.at[k] = other < 0 ? value : from[other];
      planes.step(place);
    }
    store_pack(to + i, pack, count - i, aligned && i + size <= count);
  }
}

template <class T>
void pad(const PadProblem& p, const T* x, T value, T* y, const Context& context) {
  const int64_t planes = p.batch * p.channels, count = planes * p.out_height * p.out_width;
  launch("pad", planes_kernel<T>, blocks_for(ceil_div(count, Pack<T>::size)), kThreads, 0, context,
         count, Planes(planes, p.out_height, p.out_width, p.in_height, p.in_width, p.top, p.left),
         value, x, y);
}

template <class T>
void pad_grad(const PadProblem& p, const T* dy, T* dx, const Context& context) {
  const int64_t planes = p.batch * p.channels, count = planes * p.in_height * p.in_width;
  launch("pad_grad", planes_kernel<T>, blocks_for(ceil_div(count, Pack<T>::size)), kThreads, 0,
         context, count,
         Planes(planes, p.in_height, p.in_width, p.out_height, p.out_width, -p.top, -p.left), T(0),
         dy, dx);
}

}  // namespace

const PadKernels<float> pad_f32 = {pad<float>, pad_grad<float>};
const PadKernels<double> pad_f64 = {pad<double>, pad_grad<double>};

}  // namespace striate::cuda
