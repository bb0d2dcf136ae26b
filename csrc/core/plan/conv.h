// Which algorithm computes a convolution or a gradient of one: decided here from shapes, dtype,
// instruction set, precision and max_workspace alone, never from threads, caches or timing.
#pragma once

#include "core/plan/options.h"
#include "core/plan/tile.h"
#include "core/spec/conv.h"

namespace striate {

enum class ConvDirection : uint8_t { forward, input_grad, weight_grad };

// Each is explained at the head of its kernel file in cpu/conv/.
enum class ConvAlgorithm : uint8_t {
  implicit_gemm,
  implicit_gemm_unshared,  // which needs no workspace
  direct,
  group_lanes,
  flat_planes,
  winograd,
  small_winograd,
  winograd_lanes,
  strided_winograd,
  polyphase_winograd,
  broadcast,
  broadcast_unsliced,
  tensor_cores,  // of CUDA: an implicit GEMM of rounded factors
};
bool is_winograd(ConvAlgorithm algorithm);
const char* algorithm_name(ConvAlgorithm algorithm);

// The register tiles of an instruction set and dtype.
struct ConvTiles {
  TileShape gemm;
  TileShape weight_grad;
};

struct ConvPlan {
  ConvAlgorithm algorithm;
  const char* why;    // a clause for explain()
  int64_t workspace;  // bytes that all threads share for the length of a call
  int64_t scratch;    // bytes for each thread, about; -1: only the kernel knows
  double flops;       // of the direct sum: a multiplication and an addition for each term
  // What would have been chosen but for max_workspace, and its workspace; null where nothing was.
  const char* refused;
  int64_t refused_workspace;
};

ConvPlan plan_conv(ConvDirection direction, const ConvProblem& problem, const ConvTiles& tiles,
                   const PlanOptions& options);

}  // namespace striate
