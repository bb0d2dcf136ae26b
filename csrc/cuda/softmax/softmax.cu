#include "cuda/kernels.h"
#include "cuda/softmax/slices.h"

namespace striate::cuda {
namespace {

template <class T>
struct Softmax {
  const T* x;
  T* y;

  template <class Part>
  __device__ void operator()(const Part& part) const {
    typename Part::Held own(x);
    const T top = part.greatest(own);
    const double sum =
        part.sum([&](int64_t, T& value) { return value = exp_of(value - top); }, own);
    const T scale = static_cast<T>(1 / sum);
    const bool known = part.is_one_batch();  // the exponentials
    const auto element = [&](int64_t, T value) {
      return (known ? value : exp_of(value - top)) * scale;
    };
    part.store(y, element, own);
  }
};

template <class T>
struct LogSoftmax {
  const T* x;
  T* y;

  template <class Part>
  __device__ void operator()(const Part& part) const {
    typename Part::Held own(x);
    const T top = part.greatest(own);
    const double sum = part.sum([&](int64_t, T value) { return exp_of(value - top); }, own);
    const T log_sum = static_cast<T>(log_of(sum));
    part.store(y, [&](int64_t, T value) { return value - top - log_sum; }, own);
  }
};

template <class T>
struct SoftmaxGrad {
  const T *dy, *y;
  T* dx;

  template <class Part>
  __device__ void operator()(const Part& part) const {
    typename Part::Held own_dy(dy), own_y(y);
    const T sum = static_cast<T>(
        part.sum([](int64_t, T own, T value) { return own * value; }, own_dy, own_y));
    part.store(dx, [&](int64_t, T own, T value) { return value * (own - sum); }, own_dy, own_y);
  }
};

template <class T>
struct LogSoftmaxGrad {
  const T *dy, *y;
  T* dx;

  template <class Part>
  __device__ void operator()(const Part& part) const {
    typename Part::Held own_dy(dy), own_y(y);
    const T sum = static_cast<T>(part.sum([](int64_t, T own) { return own; }, own_dy));
    const auto element = [&](int64_t, T own, T value) { return own - exp_of(value) * sum; };
    part.store(dx, element, own_dy, own_y);
  }
};

template <template <class> class F, class T>
void forward(const SoftmaxProblem& p, const T* x, T* y, const Context& context) {
  for_each_slice<T>("softmax", Slices(p.outer, p.classes, p.inner), F<T>{x, y}, context);
}

template <template <class> class F, class T>
void grad(const SoftmaxProblem& p, const T* dy, const T* y, T* dx, const Context& context) {
  for_each_slice<T>("softmax gradient", Slices(p.outer, p.classes, p.inner), F<T>{dy, y, dx},
                    context);
}

template <class T>
constexpr SoftmaxKernels<T> kSoftmax = {forward<Softmax, T>, grad<SoftmaxGrad, T>,
                                        forward<LogSoftmax, T>, grad<LogSoftmaxGrad, T>};

}  // namespace

const SoftmaxKernels<float> softmax_f32 = kSoftmax<float>;
const SoftmaxKernels<double> softmax_f64 = kSoftmax<double>;

}  // namespace striate::cuda
