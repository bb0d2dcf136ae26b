// The products of float32: on tensor cores, or exact.
#include "cuda/gemm/kernel.h"
#include "cuda/gemm/launch.h"

namespace striate::cuda {

void launch_gemm(const GemmArguments<float>& arguments, const Context& context) {
  if (arguments.plan.math == GemmMath::fma) return launch_gemm_with<Fma<float>>(arguments, context);
  if (arguments.plan.tile == GemmTile::large)
    return launch_gemm_with<TensorCores<128>>(arguments, context);
  launch_gemm_with<TensorCores<64>>(arguments, context);
}

}  // namespace striate::cuda
