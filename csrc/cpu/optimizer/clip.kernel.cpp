// The common norm of many gradients, and their scaling.
#include "cpu/kernels.h"
#include "cpu/optimizer/multi_tensor.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

// The squares are added up in double, so that those of float32 neither overflow nor get lost.
template <class T>
double square_sum(const GradTensor<T>* tensors, int64_t count, const Context& context) {
  const int64_t chunks = tensor_chunks(tensors, count);
  double* partial =
      static_cast<double*>(context.allocate(static_cast<size_t>(chunks) * sizeof(double)));
  parallel_tensors(
      context, tensors, count,
      [=](const GradTensor<T>& t, int64_t begin, int64_t end, int64_t chunk) {
        constexpr int64_t kSums = 16;
        double sum[kSums] = {};
        int64_t i = begin;
        for (; i + kSums <= end; i += kSums)
          for (int64_t j = 0; j < kSums; ++j)
            sum[j] += static_cast<double>(t.grad[i + j]) * static_cast<double>(t.grad[i + j]);
        for (int64_t j = 0; i + j < end; ++j)
          sum[j] += static_cast<double>(t.grad[i + j]) * static_cast<double>(t.grad[i + j]);
        for (int64_t width = kSums / 2; width > 0; width /= 2)
          for (int64_t j = 0; j < width; ++j) sum[j] += sum[j + width];
        partial[chunk] = sum[0];
      });
  double total = 0;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) total += partial[chunk];
  context.deallocate(partial);
  return total;
}

template <class T>
void scale(const GradTensor<T>* tensors, int64_t count, double factor, const Context& context) {
  const Vec<T> by = Vec<T>::set(static_cast<T>(factor));
  parallel_tensors(context, tensors, count,
                   [=](const GradTensor<T>& t, int64_t begin, int64_t end, int64_t) {
                     for_each_vector<T>(begin, end, [=](int64_t i, int n) {
                       (Vec<T>::load(t.grad + i, n) * by).store(t.grad + i, n);
                     });
                   });
}

}  // namespace

const ClipKernels<float> clip_f32 = {square_sum<float>, scale<float>};
const ClipKernels<double> clip_f64 = {square_sum<double>, scale<double>};

}  // namespace striate::cpu::STRIATE_ISA
