// The products of float64.
#include "cuda/gemm/kernel.h"
#include "cuda/gemm/launch.h"

namespace striate::cuda {

void launch_gemm(const GemmArguments<double>& arguments, const Context& context) {
  launch_gemm_with<Fma<double>>(arguments, context);
}

}  // namespace striate::cuda
