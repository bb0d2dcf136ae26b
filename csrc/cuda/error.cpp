#include "cuda/error.h"

#include <string>

namespace striate::cuda {
namespace {

// Why no code fits the thread's current device, and what to do.
std::string advice_without_code() {
  constexpr int kLeast = 80;  // asynchronous copies and TF32
  int device = 0, major = 0, minor = 0;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
  cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device);
  const int capability = 10 * major + minor;
  const std::string own = std::to_string(major) + "." + std::to_string(minor);
  if (capability < kLeast)
    return "striate's kernels need a device of compute capability 8.0 or more, this one has " +
           own + ": pass NumPy arrays to compute on the CPU.";
  return "striate holds no code for this device, of compute capability " + own +
         " (striate info tells what it was built for): build it again on this machine, or with "
         "CUDAARCHS=" +
         std::to_string(capability) + ".";
}

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
    case cudaErrorSystemDriverMismatch:
    case cudaErrorCompatNotSupportedOnDevice:
    case cudaErrorStubLibrary:
      return "The library libcuda.so that was found is not that of the running driver: check "
             "LD_LIBRARY_PATH, or start the machine again after an update of the driver.";
    case cudaErrorNoDevice:
      return "There is a driver but no device: check nvidia-smi and CUDA_VISIBLE_DEVICES, or pass "
             "NumPy arrays to compute on the CPU.";
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorInvalidDeviceFunction:
    case cudaErrorUnsupportedPtxVersion:
      return advice_without_code();
    case cudaErrorInitializationError:
      return "CUDA cannot be used in a process that was forked after it was used: start processes "
             "by the method 'spawn'.";
    case cudaErrorDevicesUnavailable:
      return "Another process has the device to itself, or it was taken away: check nvidia-smi.";
    case cudaErrorMemoryAllocation:
      return "The device is out of memory: use a smaller batch, or free arrays.";
    case cudaErrorLaunchFailure:
    case cudaErrorIllegalAddress:
    case cudaErrorMisalignedAddress:
    case cudaErrorIllegalInstruction:
    case cudaErrorHardwareStackError:
    case cudaErrorLaunchTimeout:
      return "A kernel of this process failed, maybe an earlier one: CUDA is unusable until the "
             "process is started again. CUDA_LAUNCH_BLOCKING=1 shows which one it was.";
    default:
      return "";
  }
}

}  // namespace

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  (void)cudaGetLastError();  // or the next launch would find this error, and raise it again
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
