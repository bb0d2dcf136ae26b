// loss = (pred - target)^2, dpred = 2 (pred - target) / divisor
#include "cpu/kernels.h"
#include "cpu/softmax/sums.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

template <class T>
double mse_loss(int64_t count, Reduction reduction, const T* pred, const T* target, T* losses,
                T* dpred, const Context& context) {
  const double divisor = reduction == Reduction::mean ? static_cast<double>(count) : 1.0;
  const Vec<T> slope = Vec<T>::set(static_cast<T>(2 / divisor));
  const int64_t chunks = ceil_div(count, kElementsPerChunk);
  double* partial =
      static_cast<double*>(context.allocate(static_cast<size_t>(chunks) * sizeof(double)));
  parallel_elements(context, count, [=](int64_t begin, int64_t end) {
    partial[begin / kElementsPerChunk] = row_sum<T>(end - begin, [=](int64_t i, int n) {
      const Vec<T> error = Vec<T>::load(pred + begin + i, n) - Vec<T>::load(target + begin + i, n);
      (slope * error).store(dpred + begin + i, n);
      const Vec<T> square = error * error;
      if (losses != nullptr) square.store(losses + begin + i, n);
      return square;
    });
  });
  double total = 0;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) total += partial[chunk];
  context.deallocate(partial);
  return total / divisor;
}

}  // namespace

const MseKernels<float> mse_f32 = {mse_loss<float>};
const MseKernels<double> mse_f64 = {mse_loss<double>};

}  // namespace striate::cpu::STRIATE_ISA
