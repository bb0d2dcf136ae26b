// Bounds on gradients: their common norm, or each element.
#include "cpu/kernels.h"
#include "cpu/optimizer/multi_tensor.h"
#include "cpu/optimizer/square_sum.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

template <class T>
void joint_norm(const GradTensor<T>* tensors, int64_t count, const double* others, double* norm,
                const Context& context) {
  const int64_t chunks = tensor_chunks(tensors, count);
  double* partial =
      static_cast<double*>(context.allocate(static_cast<size_t>(chunks) * sizeof(double)));
  parallel_tensors(context, tensors, count,
                   [=](const GradTensor<T>& t, int64_t begin, int64_t end, int64_t chunk) {
                     partial[chunk] = square_sum(t.grad, begin, end);
                   });
  double total = others == nullptr ? 0 : *others * *others;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) total += partial[chunk];
  context.deallocate(partial);
  *norm = __builtin_sqrt(total);
}

template <class T>
void scale(const GradTensor<T>* tensors, int64_t count, const NormBound& bound,
           const Context& context) {
  const double factor = formula::clip_scale(*bound.norm, bound.most);
  if (factor == 1) return;
  const Vec<T> by = Vec<T>::set(static_cast<T>(factor));
  parallel_tensors(context, tensors, count,
                   [=](const GradTensor<T>& t, int64_t begin, int64_t end, int64_t) {
                     for_each_vector<T>(begin, end, [=](int64_t i, int n) {
                       (Vec<T>::load(t.grad + i, n) * by).store(t.grad + i, n);
                     });
                   });
}

template <class T>
void bound(const GradTensor<T>* tensors, int64_t count, double most, const Context& context) {
  const T limit = static_cast<T>(most);
  parallel_tensors(context, tensors, count,
                   [=](const GradTensor<T>& t, int64_t begin, int64_t end, int64_t) {
                     for_each_vector<T>(begin, end, [=](int64_t i, int n) {
                       formula::bounded(Vec<T>::load(t.grad + i, n), limit).store(t.grad + i, n);
                     });
                   });
}

}  // namespace

const ClipKernels<float> clip_f32 = {joint_norm<float>, scale<float>, bound<float>};
const ClipKernels<double> clip_f64 = {joint_norm<double>, scale<double>, bound<double>};

}  // namespace striate::cpu::STRIATE_ISA
