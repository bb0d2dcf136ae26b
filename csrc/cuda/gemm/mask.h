// A gradient behind a fused ReLU.
#pragma once

#include "cuda/kernels.h"
#include "cuda/launch.h"

namespace striate::cuda {

// The gradient of a ReLU, by its output y, is taken of dy before a product: into a copy, because
// asynchronous copies cannot do so, and waiting for y within the product would cost more than this
// pass over memory. Where the workspace does not allow a copy, the product does it (loader.h).
template <class T>
class MaskedGradient {
 public:
  // `budget` is what the call may take yet; -1: anything.
  MaskedGradient(const T* dy, const T* y, int64_t count, int64_t& budget, const Context& context)
      : copies_(y != nullptr && (budget < 0 || bytes(count) <= budget)),
        copy_(context, copies_ ? count : 0),
        data_(dy),
        mask_(y) {
    if (!copies_ || count == 0) return;
    kernels().get<T>().activation->relu_grad(count, dy, y, copy_.data(), context);
    data_ = copy_.data();
    mask_ = nullptr;
    if (budget >= 0) budget -= bytes(count);
  }
  const T* data() const { return data_; }
  const T* mask() const { return mask_; }  // what is left to apply, or null

 private:
  static int64_t bytes(int64_t count) { return count * static_cast<int64_t>(sizeof(T)); }

  bool copies_;
  Scratch<T> copy_;
  const T* data_;
  const T* mask_;
};

}  // namespace striate::cuda
