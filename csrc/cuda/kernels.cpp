#include "cuda/kernels.h"

namespace striate::cuda {

const KernelTable& kernels() {
  static const KernelTable table = [] {
    KernelTable t{};
    t.isa = "cuda";
#define STRIATE_GATHER(name, Type) \
  t.f32.name = &name##_f32;        \
  t.f64.name = &name##_f64;
    STRIATE_FOR_EACH_CUDA_FAMILY(STRIATE_GATHER)
#undef STRIATE_GATHER
    return t;
  }();
  return table;
}

}  // namespace striate::cuda
