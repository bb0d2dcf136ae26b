// One launch for many tensors: what is known of them travels as a kernel parameter, and each thread
// block takes a stretch of one tensor.
#pragma once

#include <cfloat>

#include "core/formula/step.h"
#include "cuda/lane.h"
#include "cuda/launch.h"
#include "cuda/report.h"

namespace striate::cuda {
namespace {

constexpr int64_t kElementsPerBlock = 4096;
// Of a launch: counted in ints, and fewer than a grid may have.
constexpr int64_t kBlocksPerLaunch = int64_t{1} << 30;

template <class Tensor>
struct Batch {
  // A launch's parameters must stay below 4 KB; the rest is the formula's numbers.
  static constexpr int capacity = 3600 / static_cast<int>(sizeof(Tensor) + sizeof(int));
  Tensor tensor[capacity];
  int first_block[capacity + 1];
  int count;
};

// The stretch of a thread block.
struct Stretch {
  int tensor;
  int64_t begin, end;
};

template <class Tensor>
STRIATE_DEVICE Stretch stretch_of(const Batch<Tensor>& batch, unsigned block) {
  int low = 0, high = batch.count;  // first_block[low] <= block < first_block[high]
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    (batch.first_block[middle] <= static_cast<int>(block) ? low : high) = middle;
  }
  const int64_t begin = (static_cast<int64_t>(block) - batch.first_block[low]) * kElementsPerBlock;
  return {low, begin, least(begin + kElementsPerBlock, batch.tensor[low].count)};
}

// run(batch, blocks) for as many batches as hold all tensors; advance(tensor, n) skips n elements.
template <class Tensor, class Advance, class Run>
void for_each_batch(const Tensor* tensors, int64_t count, const Advance& advance, const Run& run) {
  Batch<Tensor> batch;
  int64_t next = 0;
  int64_t done = 0;  // elements of tensors[next] that earlier batches took
  while (next < count) {
    batch.count = 0;
    batch.first_block[0] = 0;
    while (next < count && batch.count < batch.capacity) {
      const int64_t free_blocks = kBlocksPerLaunch - batch.first_block[batch.count];
      const int64_t left = tensors[next].count - done;
      const int64_t take = least(left, free_blocks * kElementsPerBlock);
      if (take > 0) {
        Tensor& t = batch.tensor[batch.count];
        t = tensors[next];
        advance(t, done);
        t.count = take;
        batch.first_block[batch.count + 1] =
            batch.first_block[batch.count] + static_cast<int>(ceil_div(take, kElementsPerBlock));
        ++batch.count;
      }
      if (take < left) {
        done += take;
        break;
      }
      done = 0;
      ++next;
    }
    if (batch.count > 0) run(batch, batch.first_block[batch.count]);
  }
}

// A Clip whose norm may be on the device.
template <class T>
class DeviceClip {
 public:
  explicit DeviceClip(const Clip& clip)
      : known_(formula::clip_factors<T>(clip)),
        bound_(clip.bound),
        flag_(clip.bound.norm != nullptr ? value_flag() : nullptr) {}

  // False where nothing may be changed.
  __device__ __forceinline__ bool factors(formula::ClipFactors<T>& clip) const {
    clip = known_;
    if (bound_.norm == nullptr) return true;
    const double norm = *bound_.norm;
    if (bound_.strict && !(norm <= DBL_MAX)) {
      report(flag_, ValueRule::norm, bound_.function, 0, 0, 0);
      return false;
    }
    clip.scale = static_cast<T>(formula::clip_scale(norm, bound_.most));
    return true;
  }

 private:
  formula::ClipFactors<T> known_;
  NormBound bound_;
  ValueFlag* flag_;
};

// A step's formula is f(tensor, gradient, parameter, states); it tells where the F::states states
// of a tensor lie, null for those that are not there.
template <class T, class Tensor, class F>
__global__ void step_kernel(const __grid_constant__ Batch<Tensor> batch,
                            const __grid_constant__ F f,
                            const __grid_constant__ DeviceClip<T> device_clip) {
  constexpr int size = Pack<T>::size, arrays = F::states + 3;
  static_assert(sizeof(batch) + sizeof(f) + sizeof(device_clip) <= 4096 - 16, "parameters");
  formula::ClipFactors<T> clip;
  if (!device_clip.factors(clip)) return;
  const Stretch stretch = stretch_of(batch, blockIdx.x);
  const Tensor& t = batch.tensor[stretch.tensor];
  T* states[F::states];
  f.locate(t, states);
  T* from[arrays] = {t.param, const_cast<T*>(t.grad), t.average};
  STRIATE_UNROLL
  for (int a = 0; a < F::states; ++a) from[a + 3] = states[a];
  bool aligned = true;
  STRIATE_UNROLL
  for (int a = 0; a < arrays; ++a) aligned = aligned && is_aligned(from[a]);
  const T share = static_cast<T>(t.share);
  for (int64_t i = stretch.begin + threadIdx.x * size; i < stretch.end;
       i += static_cast<int64_t>(blockDim.x) * size) {
    const int64_t left = stretch.end - i;
    const bool whole = aligned && left >= size;
    Pack<T> packs[arrays];
    STRIATE_UNROLL
    for (int a = 0; a < arrays; ++a)
      packs[a] = from[a] == nullptr ? Pack<T>{} : load_pack(from[a] + i, left, whole);
    STRIATE_UNROLL
    for (int k = 0; k < size; ++k) {
      Lane<T> w{packs[0].at[k]}, values[F::states];
      STRIATE_UNROLL
      for (int a = 0; a < F::states; ++a) values[a] = {packs[a + 3].at[k]};
      f(t, formula::clipped(clip, Lane<T>{packs[1].at[k]}), w, values);
      packs[0].at[k] = w.value;
      packs[2].at[k] = formula::averaged(Lane<T>{packs[2].at[k]}, w, share).value;
      STRIATE_UNROLL
      for (int a = 0; a < F::states; ++a) packs[a + 3].at[k] = values[a].value;
    }
    STRIATE_UNROLL
    for (int a = 0; a < arrays; ++a)
      if (a != 1 && from[a] != nullptr) store_pack(from[a] + i, packs[a], left, whole);
  }
}

// Skips n elements of each array that is there.
template <class... Pointers>
void skip(int64_t n, Pointers&... pointers) {
  ((pointers = pointers == nullptr ? nullptr : pointers + n), ...);
}

template <class T, class Tensor, class F>
void step(const char* what, const Clip& clip, const Tensor* tensors, int64_t count, const F& f,
          const Context& context) {
  const DeviceClip<T> device_clip(clip);
  const auto advance = [](Tensor& t, int64_t n) {
    skip(n, t.param, t.grad, t.average);
    F::skip_states(t, n);
  };
  for_each_batch(tensors, count, advance, [&](const Batch<Tensor>& batch, int blocks) {
    launch(what, step_kernel<T, Tensor, F>, blocks, kThreads, 0, context, batch, f, device_clip);
  });
}

}  // namespace
}  // namespace striate::cuda
