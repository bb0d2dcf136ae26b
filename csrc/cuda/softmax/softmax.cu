#include "cuda/kernels.h"
#include "cuda/softmax/slices.h"

namespace striate::cuda {
namespace {

template <class T>
struct Softmax {
  const T* x;
  T* y;
  int64_t classes, step;

  template <class Group>
  __device__ void operator()(const Group& group, int64_t, int64_t at) const {
    const T* const from = x + at;
    const T top = slice_max(group, from, classes, step);
    const double sum =
        slice_sum<T>(group, classes, [&](int64_t c) { return exp_of(from[c * step] - top); });
    const T scale = static_cast<T>(1 / sum);
    for (int64_t c = group.rank(); c < classes; c += group.size())
      y[at + c * step] = exp_of(from[c * step] - top) * scale;
  }
};

template <class T>
struct LogSoftmax {
  const T* x;
  T* y;
  int64_t classes, step;

  template <class Group>
  __device__ void operator()(const Group& group, int64_t, int64_t at) const {
    const T* const from = x + at;
    const T top = slice_max(group, from, classes, step);
    const double sum =
        slice_sum<T>(group, classes, [&](int64_t c) { return exp_of(from[c * step] - top); });
    const T log_sum = static_cast<T>(log_of(sum));
    for (int64_t c = group.rank(); c < classes; c += group.size())
      y[at + c * step] = from[c * step] - top - log_sum;
  }
};

template <class T>
struct SoftmaxGrad {
  const T *dy, *y;
  T* dx;
  int64_t classes, step;

  template <class Group>
  __device__ void operator()(const Group& group, int64_t, int64_t at) const {
    const T sum = static_cast<T>(slice_sum<T>(
        group, classes, [&](int64_t c) { return dy[at + c * step] * y[at + c * step]; }));
    for (int64_t c = group.rank(); c < classes; c += group.size())
      dx[at + c * step] = y[at + c * step] * (dy[at + c * step] - sum);
  }
};

template <class T>
struct LogSoftmaxGrad {
  const T *dy, *y;
  T* dx;
  int64_t classes, step;

  template <class Group>
  __device__ void operator()(const Group& group, int64_t, int64_t at) const {
    const T sum =
        static_cast<T>(slice_sum<T>(group, classes, [&](int64_t c) { return dy[at + c * step]; }));
    for (int64_t c = group.rank(); c < classes; c += group.size())
      dx[at + c * step] = dy[at + c * step] - exp_of(y[at + c * step]) * sum;
  }
};

template <template <class> class F, class T>
void forward(const SoftmaxProblem& p, const T* x, T* y, const Context& context) {
  for_each_slice("softmax", Slices(p.outer, p.classes, p.inner), F<T>{x, y, p.classes, p.inner},
                 context);
}

template <template <class> class F, class T>
void grad(const SoftmaxProblem& p, const T* dy, const T* y, T* dx, const Context& context) {
  for_each_slice("softmax gradient", Slices(p.outer, p.classes, p.inner),
                 F<T>{dy, y, dx, p.classes, p.inner}, context);
}

template <class T>
constexpr SoftmaxKernels<T> kSoftmax = {forward<Softmax, T>, grad<SoftmaxGrad, T>,
                                        forward<LogSoftmax, T>, grad<LogSoftmaxGrad, T>};

}  // namespace

const SoftmaxKernels<float> softmax_f32 = kSoftmax<float>;
const SoftmaxKernels<double> softmax_f64 = kSoftmax<double>;

}  // namespace striate::cuda
