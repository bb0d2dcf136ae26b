#include "cuda/kernels.h"

namespace striate::cuda {

const KernelTable& kernels() {
  static const KernelTable table = [] {
    KernelTable t{};
    t.isa = "cuda";
    t.f32.optimizer = &optimizer_f32;
    t.f64.optimizer = &optimizer_f64;
    return t;
  }();
  return table;
}

}  // namespace striate::cuda
