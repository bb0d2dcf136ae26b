// Convolution with groups as vector lanes; see group_lanes.kernel.cpp.
#pragma once

#include "core/context.h"
#include "core/plan/group_lanes.h"

namespace striate::cpu::STRIATE_ISA {

// `problem` gives the batch, and an input gradient's phases.
void group_lanes_conv(const GroupLanes& g, const ConvProblem& problem, const float* src,
                      const float* mask, const float* w, const float* bias, bool relu, float* dst,
                      const Context& context);
void group_lanes_conv(const GroupLanes& g, const ConvProblem& problem, const double* src,
                      const double* mask, const double* w, const double* bias, bool relu,
                      double* dst, const Context& context);

void group_lanes_weight_grad(const GroupLanes& g, const ConvProblem& problem, const float* dy,
                             const float* x, const float* y, float* dw, const Context& context);
void group_lanes_weight_grad(const GroupLanes& g, const ConvProblem& problem, const double* dy,
                             const double* x, const double* y, double* dw, const Context& context);

}  // namespace striate::cpu::STRIATE_ISA
