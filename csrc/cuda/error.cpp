#include "cuda/error.h"

#include <string>

namespace striate::cuda {
namespace {

std::string advice(cudaError_t status) {
  int driver = 0, runtime = 0;
  cudaRuntimeGetVersion(&runtime);
  const std::string needed =
      std::to_string(runtime / 1000) + "." + std::to_string(runtime % 1000 / 10);
  switch (status) {
    case cudaErrorInsufficientDriver:
      if (cudaDriverGetVersion(&driver) == cudaSuccess && driver > 0) {
        return "The NVIDIA driver supports CUDA " + std::to_string(driver / 1000) + "." +
               std::to_string(driver % 1000 / 10) + ", striate was built with " + needed +
               ": update the driver, or build striate with an older toolkit.";
      }
      return "No NVIDIA driver was found: install one that supports CUDA " + needed +
             ", or pass NumPy arrays to compute on the CPU.";
    case cudaErrorNoDevice:
      return "There is a driver but no device: check nvidia-smi and CUDA_VISIBLE_DEVICES, or pass "
             "NumPy arrays to compute on the CPU.";
    case cudaErrorNoKernelImageForDevice:
      return "striate holds no code for this device: build it again with CUDAARCHS=native.";
    case cudaErrorMemoryAllocation:
      return "The device is out of memory: use a smaller batch, or free arrays.";
    case cudaErrorLaunchFailure:
    case cudaErrorIllegalAddress:
      return "A kernel of this process failed, maybe an earlier one: CUDA is unusable until the "
             "process is started again. CUDA_LAUNCH_BLOCKING=1 shows which one it was.";
    default:
      return "";
  }
}

}  // namespace

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  std::string message = std::string(what) + ": " + cudaGetErrorString(status) + " (" +
                        cudaGetErrorName(status) + ").";
  const std::string help = advice(status);
  if (!help.empty()) message += " " + help;
  throw CudaError(message);
}

void require_device() {
  int count = 0;
  check(cudaGetDeviceCount(&count), "CUDA is unavailable");
  if (count == 0) check(cudaErrorNoDevice, "CUDA is unavailable");
}

}  // namespace striate::cuda
