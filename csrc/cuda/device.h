// The thread's current device.
#pragma once

namespace striate::cuda {

// Makes `device` the thread's current one, and the old one again at the end.
class DeviceScope {
 public:
  explicit DeviceScope(int device);
  ~DeviceScope();
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;

 private:
  int before_;
  bool changed_;
};

// The current device's multiprocessors.
int multiprocessors();

}  // namespace striate::cuda
