// Sums and products of two arrays of one shape.
#include "core/formula/activation.h"
#include "cuda/kernels.h"
#include "cuda/map.h"

namespace striate::cuda {
namespace {

template <class T>
struct Add {
  STRIATE_DEVICE Lane<T> operator()(Lane<T> a, Lane<T> b) const { return a + b; }
};
template <class T>
struct AddRelu {
  STRIATE_DEVICE Lane<T> operator()(Lane<T> a, Lane<T> b) const { return formula::relu(a + b); }
};
template <class T>
struct Mul {
  STRIATE_DEVICE Lane<T> operator()(Lane<T> a, Lane<T> b) const { return a * b; }
};

template <class T>
void add(int64_t count, const T* a, const T* b, bool relu, T* y, const Context& context) {
  if (relu)
    map("add", count, y, context, AddRelu<T>{}, a, b);
  else
    map("add", count, y, context, Add<T>{}, a, b);
}

template <class T>
void mul(int64_t count, const T* a, const T* b, T* y, const Context& context) {
  map("mul", count, y, context, Mul<T>{}, a, b);
}

template <class T>
__global__ void mul_grad_kernel(int64_t count, const T* __restrict__ dy, const T* __restrict__ a,
                                const T* __restrict__ b, T* __restrict__ da, T* __restrict__ db) {
  const bool aligned =
      is_aligned(dy) && is_aligned(a) && is_aligned(b) && is_aligned(da) && is_aligned(db);
  const int64_t step = block_elements<T>();
  for (int64_t first = blockIdx.x * step; first < count; first += gridDim.x * step) {
    Pack<T> slopes[kPacks], left[kPacks], right[kPacks];
    load_packs(dy, first, count, aligned, slopes);
    load_packs(a, first, count, aligned, left);
    load_packs(b, first, count, aligned, right);
    STRIATE_UNROLL
    for (int k = 0; k < kPacks; ++k) STRIATE_UNROLL
    for (int j = 0; j < Pack<T>::size; ++j) {
      left[k].at[j] *= slopes[k].at[j];
      right[k].at[j] *= slopes[k].at[j];
    }
    store_packs(da, first, count, aligned, right);
    store_packs(db, first, count, aligned, left);
  }
}

template <class T>
void mul_grad(int64_t count, const T* dy, const T* a, const T* b, T* da, T* db,
              const Context& context) {
  launch("mul_grad", mul_grad_kernel<T>, blocks_of_packs<T>(count), kThreads, 0, context, count, dy,
         a, b, da, db);
}

}  // namespace

const ElementwiseKernels<float> elementwise_f32 = {add<float>, mul<float>, mul_grad<float>};
const ElementwiseKernels<double> elementwise_f64 = {add<double>, mul<double>, mul_grad<double>};

}  // namespace striate::cuda
