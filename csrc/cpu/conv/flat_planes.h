// Direct sums over flat planes; see flat_planes.kernel.cpp.
#pragma once

#include "core/context.h"
#include "core/plan/flat_planes.h"

namespace striate::cpu::STRIATE_ISA {

// `mask` is y, of which a gradient's source is masked, or null.
void flat_planes_conv(const FlatPlanes& f, const float* src, const float* mask, const float* w,
                      const float* bias, bool relu, float* dst, const Context& context);
void flat_planes_conv(const FlatPlanes& f, const double* src, const double* mask, const double* w,
                      const double* bias, bool relu, double* dst, const Context& context);

}  // namespace striate::cpu::STRIATE_ISA
