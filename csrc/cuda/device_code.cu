// Whether this build holds code for the machine's devices, asked of a kernel that does nothing: all
// are compiled for the same architectures.
#include "cuda/device.h"
#include "cuda/error.h"

namespace striate::cuda {
namespace {

__global__ void nothing_kernel() {}

cudaError_t find_code() {
  cudaFuncAttributes attributes{};
  return cudaFuncGetAttributes(&attributes, nothing_kernel);
}

}  // namespace

void require_code() {
  require_device();
  int count = 0;
  check(cudaGetDeviceCount(&count), "CUDA is unavailable");
  for (int device = 0; device < count; ++device) {
    const DeviceScope scope(device);
    if (find_code() == cudaSuccess) return;
    (void)cudaGetLastError();
  }
  check(find_code(), "CUDA is unavailable");
}

}  // namespace striate::cuda
