// One exception for everything that CUDA may refuse, with what to do about it.
#pragma once

#include <cuda_runtime.h>

#include <stdexcept>

namespace striate::cuda {

struct CudaError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Throws unless `status` is cudaSuccess.
void check(cudaError_t status, const char* what);

// Throws unless a device can be used: no driver, a driver that is too old, or no device.
void require_device();

// Throws where require_device does, and where this build holds no code for any device. Readies
// devices that nobody has used yet, so this is for those who ask whether CUDA can be used.
void require_code();

}  // namespace striate::cuda
