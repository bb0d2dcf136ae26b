// Bounds on gradients and weights, and the weights' moving averages.
#include "core/formula/step.h"
#include "cuda/kernels.h"
#include "cuda/optimizer/multi_tensor.h"
#include "cuda/reduce.h"

namespace striate::cuda {
namespace {

// part[block]: a stretch's sum of squares, in double, so that they neither overflow nor get lost.
template <class T>
__global__ void square_sum_kernel(const __grid_constant__ Batch<GradTensor<T>> batch,
                                  double* __restrict__ part) {
  const Stretch stretch = stretch_of(batch, blockIdx.x);
  const T* const x = batch.tensor[stretch.tensor].grad;
  constexpr int size = Pack<T>::size;
  const bool aligned = is_aligned(x);
  double sum = 0;
  STRIATE_UNROLL_BY(4)
  for (int64_t i = stretch.begin + threadIdx.x * size; i < stretch.end;
       i += static_cast<int64_t>(blockDim.x) * size) {
    const int64_t left = stretch.end - i;
    const Pack<T> pack = load_pack(x + i, left, aligned && left >= size);
    STRIATE_UNROLL
    for (int k = 0; k < size; ++k)
      sum += static_cast<double>(pack.at[k]) * static_cast<double>(pack.at[k]);
  }
  sum = block_reduce(sum, Plus{});
  if (threadIdx.x == 0) part[blockIdx.x] = sum;
}

template <class T>
void advance(GradTensor<T>& t, int64_t n) {
  skip(n, t.grad);
}

// *norm: the root of the parts' sum and the square of *others, which may be null.
__global__ void norm_kernel(int64_t count, const double* __restrict__ part, const double* others,
                            double* norm) {
  const double sum = sum_of_parts(count, part);
  if (threadIdx.x == 0) *norm = ::sqrt(sum + (others == nullptr ? 0 : *others * *others));
}

template <class T>
void joint_norm(const GradTensor<T>* tensors, int64_t count, const double* others, double* norm,
                const Context& context) {
  const auto finish = [&](int64_t parts, const double* part) {
    launch("clip_grad_norm", norm_kernel, 1, kFinishThreads, 0, context, parts, part, others, norm);
    others = norm;
  };
  for_each_batch(tensors, count, advance<T>, [&](const Batch<GradTensor<T>>& batch, int blocks) {
    const Scratch<double> part(context, blocks);
    launch("clip_grad_norm", square_sum_kernel<T>, blocks, kThreads, 0, context, batch,
           part.data());
    finish(blocks, part.data());
  });
  if (others != norm) finish(0, nullptr);  // there was no element
}

// Each gradient, scaled and then bounded.
template <class T>
__global__ void clip_kernel(const __grid_constant__ Batch<GradTensor<T>> batch,
                            const __grid_constant__ DeviceClip<T> device_clip) {
  constexpr int size = Pack<T>::size;
  formula::ClipFactors<T> clip;
  if (!device_clip.factors(clip) || (clip.scale == 1 && clip.limit == T(__builtin_inf()))) return;
  const Stretch stretch = stretch_of(batch, blockIdx.x);
  T* const x = batch.tensor[stretch.tensor].grad;
  const bool aligned = is_aligned(x);
  for (int64_t i = stretch.begin + threadIdx.x * size; i < stretch.end;
       i += static_cast<int64_t>(blockDim.x) * size) {
    const int64_t left = stretch.end - i;
    const bool whole = aligned && left >= size;
    Pack<T> pack = load_pack(x + i, left, whole);
    STRIATE_UNROLL
    for (int k = 0; k < size; ++k) pack.at[k] = formula::clipped(clip, Lane<T>{pack.at[k]}).value;
    store_pack(x + i, pack, left, whole);
  }
}

template <class T>
void clip_all(const Clip& clip, const GradTensor<T>* tensors, int64_t count,
              const Context& context) {
  const DeviceClip<T> device_clip(clip);
  for_each_batch(tensors, count, advance<T>, [&](const Batch<GradTensor<T>>& batch, int blocks) {
    launch("clip", clip_kernel<T>, blocks, kThreads, 0, context, batch, device_clip);
  });
}

template <class T>
void scale(const GradTensor<T>* tensors, int64_t count, const NormBound& bound,
           const Context& context) {
  Clip clip;
  clip.bound = bound;
  clip_all(clip, tensors, count, context);
}

template <class T>
void bound(const GradTensor<T>* tensors, int64_t count, double most, const Context& context) {
  Clip clip;
  clip.limit = most;
  clip_all(clip, tensors, count, context);
}

template <class T>
__global__ void ema_kernel(const __grid_constant__ Batch<EmaTensor<T>> batch, T share) {
  const Stretch stretch = stretch_of(batch, blockIdx.x);
  const EmaTensor<T>& t = batch.tensor[stretch.tensor];
  constexpr int size = Pack<T>::size;
  const bool aligned = is_aligned(t.average) && is_aligned(t.param);
  for (int64_t i = stretch.begin + threadIdx.x * size; i < stretch.end;
       i += static_cast<int64_t>(blockDim.x) * size) {
    const int64_t left = stretch.end - i;
    const bool whole = aligned && left >= size;
    Pack<T> average = load_pack(t.average + i, left, whole);
    const Pack<T> param = load_pack(t.param + i, left, whole);
    STRIATE_UNROLL
    for (int k = 0; k < size; ++k)
      average.at[k] = formula::averaged(Lane<T>{average.at[k]}, Lane<T>{param.at[k]}, share).value;
    store_pack(t.average + i, average, left, whole);
  }
}

template <class T>
void ema_step(double decay, const EmaTensor<T>* tensors, int64_t count, const Context& context) {
  const auto advance_both = [](EmaTensor<T>& t, int64_t n) { skip(n, t.average, t.param); };
  for_each_batch(tensors, count, advance_both, [&](const Batch<EmaTensor<T>>& batch, int blocks) {
    launch("ema_step", ema_kernel<T>, blocks, kThreads, 0, context, batch,
           static_cast<T>(1 - decay));
  });
}

// A row that is longer is scaled to max_norm; one whose norm is NaN stays.
template <class T>
__global__ void max_norm_kernel(int64_t rows, int64_t length, double max_norm, T* param) {
  for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    T* const w = param + row * length;
    double sum = 0;
    for (int64_t i = threadIdx.x; i < length; i += blockDim.x)
      sum += static_cast<double>(w[i]) * static_cast<double>(w[i]);
    const double norm = ::sqrt(block_reduce(sum, Plus{}));
    if (!(norm > max_norm)) continue;
    const T by = static_cast<T>(max_norm / norm);
    for (int64_t i = threadIdx.x; i < length; i += blockDim.x) w[i] *= by;
  }
}

template <class T>
void max_norm_step(double max_norm, const RowTensor<T>* tensors, int64_t count,
                   const Context& context) {
  for (int64_t k = 0; k < count; ++k)
    if (tensors[k].length > 0)
      launch("max_norm_step", max_norm_kernel<T>, tensors[k].rows, kThreads, 0, context,
             tensors[k].rows, tensors[k].length, max_norm, tensors[k].param);
}

}  // namespace

const ClipKernels<float> clip_f32 = {joint_norm<float>, scale<float>, bound<float>};
const ClipKernels<double> clip_f64 = {joint_norm<double>, scale<double>, bound<double>};
const WeightKernels<float> weights_f32 = {ema_step<float>, max_norm_step<float>};
const WeightKernels<double> weights_f64 = {ema_step<double>, max_norm_step<double>};

}  // namespace striate::cuda
