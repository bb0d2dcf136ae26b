// What the kernels use of CUDA, on the host, for tests on machines without a device: the same
// source is compiled by the C++ compiler, and a launch runs the threads of one block after another
// as fibers. They change at barriers and shuffles only, so that a launch is deterministic; whoever
// relies on an order between barriers is found by running the threads in the opposite one
// (STRIATE_EMULATED_ORDER=reverse), and whoever leaves an array by AddressSanitizer.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <mutex>

#define __global__ static
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __grid_constant__
#define __launch_bounds__(...)
#define __align__(bytes) alignas(bytes)
#define __shared__ static  // one block runs at a time

struct uint3 {
  unsigned x, y, z;
};
extern uint3 threadIdx, blockIdx, blockDim, gridDim;

namespace striate::cuda::emulated {

void run(unsigned blocks, unsigned threads, size_t shared_bytes, const std::function<void()>& body);
void block_barrier();
void warp_barrier();
void* dynamic_shared();
// Leaves 8 bytes where the others of the warp find them.
uint64_t& exchange_slot(unsigned thread);

}  // namespace striate::cuda::emulated

inline void __syncthreads() { striate::cuda::emulated::block_barrier(); }
inline void __syncwarp(unsigned = 0xFFFFFFFFu) { striate::cuda::emulated::warp_barrier(); }

namespace striate::cuda::emulated {

template <class T>
T take_from(T value, unsigned lane) {
  static_assert(sizeof(T) <= sizeof(uint64_t), "one slot");
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  exchange_slot(threadIdx.x) = bits;
  warp_barrier();
  const uint64_t other = exchange_slot(threadIdx.x / 32 * 32 + lane % 32);
  warp_barrier();
  std::memcpy(&value, &other, sizeof value);
  return value;
}

}  // namespace striate::cuda::emulated

template <class T>
T __shfl_down_sync(unsigned, T value, unsigned delta, unsigned width = 32) {
  const unsigned lane = threadIdx.x % 32;
  return striate::cuda::emulated::take_from(value,
                                            lane % width + delta < width ? lane + delta : lane);
}
template <class T>
T __shfl_xor_sync(unsigned, T value, unsigned mask) {
  return striate::cuda::emulated::take_from(value, threadIdx.x % 32 ^ mask);
}
template <class T>
T __shfl_sync(unsigned, T value, int lane, unsigned width = 32) {
  const unsigned first = threadIdx.x % 32 / width * width;
  return striate::cuda::emulated::take_from(value, first + static_cast<unsigned>(lane) % width);
}
int __syncthreads_or(int predicate);

template <class T>
T atomicCAS(T* address, T expected, T value) {
  const T old = *address;
  if (old == expected) *address = value;
  return old;
}
template <class T>
T atomicMin(T* address, T value) {
  const T old = *address;
  if (value < old) *address = value;
  return old;
}
template <class T>
T atomicMax(T* address, T value) {
  const T old = *address;
  if (value > old) *address = value;
  return old;
}
inline void __threadfence_system() {}

// The runtime.

using cudaStream_t = void*;
enum cudaError_t {
  cudaSuccess,
  cudaErrorMemoryAllocation,
  cudaErrorInsufficientDriver,
  cudaErrorSystemDriverMismatch,
  cudaErrorCompatNotSupportedOnDevice,
  cudaErrorStubLibrary,
  cudaErrorNoDevice,
  cudaErrorNoKernelImageForDevice,
  cudaErrorInvalidDeviceFunction,
  cudaErrorUnsupportedPtxVersion,
  cudaErrorInitializationError,
  cudaErrorDevicesUnavailable,
  cudaErrorLaunchFailure,
  cudaErrorIllegalAddress,
  cudaErrorMisalignedAddress,
  cudaErrorIllegalInstruction,
  cudaErrorHardwareStackError,
  cudaErrorLaunchTimeout,
};
inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline const char* cudaGetErrorString(cudaError_t) { return "emulated"; }
inline const char* cudaGetErrorName(cudaError_t) { return "emulated"; }
inline cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 0;
  return cudaSuccess;
}
inline cudaError_t cudaDriverGetVersion(int* version) { return cudaRuntimeGetVersion(version); }
inline cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
inline cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
inline cudaError_t cudaSetDevice(int) { return cudaSuccess; }
enum cudaDeviceAttr {
  cudaDevAttrMultiProcessorCount,
  cudaDevAttrComputeCapabilityMajor,
  cudaDevAttrComputeCapabilityMinor
};
// STRIATE_EMULATED_WITHOUT_CODE=90 is a device of compute capability 9.0 that no code was made for.
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int);
struct cudaFuncAttributes {};
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes*, void (*)());
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize };
template <class Kernel>
cudaError_t cudaFuncSetAttribute(Kernel, cudaFuncAttribute, int) {
  return cudaSuccess;
}
inline cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }
inline cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
inline cudaError_t cudaMemsetAsync(void* to, int value, size_t bytes, cudaStream_t) {
  std::memset(to, value, bytes);
  return cudaSuccess;
}
enum cudaMemcpyKind { cudaMemcpyDeviceToDevice, cudaMemcpyDeviceToHost };
inline cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind,
                                   cudaStream_t) {
  if (bytes > 0) std::memcpy(to, from, bytes);
  return cudaSuccess;
}
enum { cudaHostAllocPortable = 1, cudaHostAllocMapped = 2 };
inline cudaError_t cudaHostAlloc(void** to, size_t bytes, unsigned) {
  *to = ::operator new(bytes);
  return cudaSuccess;
}
