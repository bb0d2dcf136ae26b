// The table of CUDA kernels, with the CPU's signatures; families that have none yet are null.
#pragma once

#include "cpu/kernels.h"

namespace striate::cuda {

const KernelTable& kernels();

extern const OptimizerKernels<float> optimizer_f32;
extern const OptimizerKernels<double> optimizer_f64;

}  // namespace striate::cuda
