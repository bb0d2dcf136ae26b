// How kernels are launched: on the caller's stream, checked. Kernels are plain CUDA; compiled
// without nvcc, what they use of it comes from cuda/emulated, and a launch runs them on the host.
#pragma once

#include <cuda_runtime.h>

#include "core/context.h"
#include "core/integer.h"
#include "cuda/device.h"
#include "cuda/error.h"

namespace striate::cuda {

inline cudaStream_t stream_of(const Context& context) {
  return static_cast<cudaStream_t>(context.stream);
}

inline constexpr int kThreads = 256;
inline constexpr int64_t kMostBlocks = (int64_t{1} << 31) - 1;

// `blocks` thread blocks, none where that is 0, with shared_bytes of dynamic shared memory each.
template <class... Parameters, class... Arguments>
void launch(const char* what, void (*kernel)(Parameters...), int64_t blocks, int threads,
            size_t shared_bytes, const Context& context, const Arguments&... arguments) {
  if (blocks <= 0) return;
  const auto count = static_cast<unsigned>(least(blocks, kMostBlocks));
#if defined(__CUDACC__)
  kernel<<<count, static_cast<unsigned>(threads), shared_bytes, stream_of(context)>>>(
      static_cast<Parameters>(arguments)...);
#else
  (void)context;
  emulated::run(count, static_cast<unsigned>(threads), shared_bytes,
                [&] { kernel(static_cast<Parameters>(arguments)...); });
#endif
  check(cudaGetLastError(), what);
}

namespace {

// This thread's place among all of the launch, and their number: for loops over more elements than
// there are threads.
__device__ __forceinline__ int64_t thread_index() {
  return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ __forceinline__ int64_t thread_count() {
  return static_cast<int64_t>(gridDim.x) * blockDim.x;
}

// Blocks for `items` threads in loops: no more than there is work for, and enough to fill the
// device several times, or those of a last round that is not full would be waited for by all
// others.
inline int64_t blocks_for(int64_t items, int threads = kThreads) {
  constexpr int kThreadsPerMultiprocessor = 2048, kRounds = 16;
  const int64_t full =
      static_cast<int64_t>(multiprocessors()) * (kThreadsPerMultiprocessor / threads) * kRounds;
  return least(ceil_div(items, threads), full);
}

// p[0] to p[count - 1] = 0; p may be null where there are none.
template <class T>
void set_zero(const char* what, T* p, int64_t count, const Context& context) {
  if (count <= 0) return;
  check(cudaMemsetAsync(p, 0, static_cast<size_t>(count) * sizeof(T), stream_of(context)), what);
}

// The block's dynamic shared memory.
template <class T>
__device__ __forceinline__ T* dynamic_shared() {
#if defined(__CUDACC__)
  extern __shared__ __align__(16) unsigned char bytes[];
  return reinterpret_cast<T*>(bytes);
#else
  return static_cast<T*>(emulated::dynamic_shared());
#endif
}

}  // namespace

// A device buffer for the length of a call, from the caller's allocator. What runs later on the
// stream may reuse it; nothing else does.
template <class T>
class Scratch {
 public:
  Scratch(const Context& context, int64_t elements)
      : context_(context),
        data_(elements > 0
                  ? static_cast<T*>(context.allocate(static_cast<size_t>(elements) * sizeof(T)))
                  : nullptr) {}
  ~Scratch() {
    if (data_ != nullptr) context_.deallocate(data_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  T* data() const { return data_; }

 private:
  const Context& context_;
  T* data_;
};

}  // namespace striate::cuda
