#include "cuda/device.h"

#include <cuda_runtime.h>

#include <atomic>

#include "cuda/error.h"

namespace striate::cuda {

DeviceScope::DeviceScope(int device) {
  check(cudaGetDevice(&before_), "the current CUDA device");
  changed_ = before_ != device;
  if (changed_) check(cudaSetDevice(device), "choosing the CUDA device");
}

DeviceScope::~DeviceScope() {
  if (changed_) (void)cudaSetDevice(before_);
}

int multiprocessors() {
  constexpr int kDevices = 64;
  static std::atomic<int> known[kDevices];
  int device = 0, count = 0;
  check(cudaGetDevice(&device), "the current CUDA device");
  std::atomic<int>& own = known[device % kDevices];
  if ((count = own.load()) == 0 || device >= kDevices) {
    check(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device),
          "the CUDA device's properties");
    own.store(count);
  }
  return count;
}

}  // namespace striate::cuda
