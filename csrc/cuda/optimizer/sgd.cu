// One launch for many tensors: their pointers travel as a kernel parameter, and each thread block
// takes a stretch of one tensor, four elements to a thread at a time where they are aligned.
#include "core/formula/sgd.h"
#include "core/formula/step.h"
#include "cuda/error.h"
#include "cuda/kernels.h"
#include "cuda/scalar.h"

namespace striate::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kElementsPerBlock = 4096;
constexpr int kTensorsPerLaunch = 64;  // the parameters must stay below 4 KB

template <class T>
struct Batch {
  SgdTensor<T> tensor[kTensorsPerLaunch];
  int first_block[kTensorsPerLaunch + 1];
  int count;
};

template <class T>
struct Factors {
  formula::SgdFactors<T> sgd;
  formula::ClipFactors<T> clip;
};

// Element i of the tensor, but for the parameter and the velocity, which stay in registers.
template <class T>
STRIATE_DEVICE void update(const Factors<T>& f, const SgdTensor<T>& t, int64_t i, T g, T& w, T& v) {
  Scalar<T> param{w}, velocity{v};
  const Scalar<T> gradient = formula::clipped(f.clip, Scalar<T>{g});
  if (t.velocity == nullptr)
    formula::sgd_plain(f.sgd, gradient, param);
  else
    formula::sgd_momentum(f.sgd, t.first, gradient, param, velocity);
  w = param.value;
  v = velocity.value;
  if (t.average != nullptr)
    t.average[i] = formula::averaged(Scalar<T>{t.average[i]}, param, static_cast<T>(t.share)).value;
}

template <class T>
struct alignas(4 * sizeof(T)) Four {
  T at[4];
};

template <class T>
__global__ void sgd_kernel(const __grid_constant__ Batch<T> batch,
                           const __grid_constant__ Factors<T> f) {
  int low = 0, high = batch.count;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (batch.first_block[middle] <= static_cast<int>(blockIdx.x))
      low = middle;
    else
      high = middle;
  }
  const SgdTensor<T>& t = batch.tensor[low];
  const int64_t begin =
      (static_cast<int64_t>(blockIdx.x) - batch.first_block[low]) * kElementsPerBlock;
  const int64_t end = begin + kElementsPerBlock < t.count ? begin + kElementsPerBlock : t.count;
  const auto aligned = [](const void* p) {
    return reinterpret_cast<uintptr_t>(p) % sizeof(Four<T>) == 0;
  };
  if (end - begin == kElementsPerBlock && aligned(t.param) && aligned(t.grad) &&
      aligned(t.velocity)) {
    for (int64_t i = begin + 4 * threadIdx.x; i < end; i += 4 * kThreads) {
      Four<T> w = *reinterpret_cast<const Four<T>*>(t.param + i);
      const Four<T> g = *reinterpret_cast<const Four<T>*>(t.grad + i);
      Four<T> v{};
      if (t.velocity != nullptr) v = *reinterpret_cast<const Four<T>*>(t.velocity + i);
      for (int k = 0; k < 4; ++k) update(f, t, i + k, g.at[k], w.at[k], v.at[k]);
      *reinterpret_cast<Four<T>*>(t.param + i) = w;
      if (t.velocity != nullptr) *reinterpret_cast<Four<T>*>(t.velocity + i) = v;
    }
    return;
  }
  for (int64_t i = begin + threadIdx.x; i < end; i += kThreads) {
    T w = t.param[i];
    T v = t.velocity == nullptr ? T(0) : t.velocity[i];
    update(f, t, i, t.grad[i], w, v);
    t.param[i] = w;
    if (t.velocity != nullptr) t.velocity[i] = v;
  }
}

template <class T>
void sgd_step(const SgdOptions& o, const SgdTensor<T>* tensors, int64_t count,
              const Context& context) {
  const Factors<T> f = {formula::sgd_factors<T>(o), formula::clip_factors<T>(o.clip)};
  const auto stream = static_cast<cudaStream_t>(context.stream);
  int64_t next = 0;
  int64_t done = 0;  // elements of tensors[next] that earlier launches took
  while (next < count) {
    Batch<T> batch;
    batch.count = 0;
    batch.first_block[0] = 0;
    while (next < count && batch.count < kTensorsPerLaunch) {
      // A launch holds 2^30 blocks at most; what is left of a tensor comes with the next one.
      const int64_t free_blocks = (int64_t{1} << 30) - batch.first_block[batch.count];
      const int64_t left = tensors[next].count - done;
      const int64_t take =
          left < free_blocks * kElementsPerBlock ? left : free_blocks * kElementsPerBlock;
      if (take > 0) {
        SgdTensor<T>& t = batch.tensor[batch.count];
        t = tensors[next];
        t.param += done;
        t.grad += done;
        if (t.velocity != nullptr) t.velocity += done;
        if (t.average != nullptr) t.average += done;
        t.count = take;
        const int blocks = static_cast<int>((take + kElementsPerBlock - 1) / kElementsPerBlock);
        batch.first_block[batch.count + 1] = batch.first_block[batch.count] + blocks;
        ++batch.count;
      }
      if (take < left) {
        done += take;
        break;
      }
      done = 0;
      ++next;
    }
    if (batch.count == 0) continue;
    sgd_kernel<T><<<batch.first_block[batch.count], kThreads, 0, stream>>>(batch, f);
    check(cudaGetLastError(), "sgd_step");
  }
}

}  // namespace

const OptimizerKernels<float> optimizer_f32 = {sgd_step<float>};
const OptimizerKernels<double> optimizer_f64 = {sgd_step<double>};

}  // namespace striate::cuda
