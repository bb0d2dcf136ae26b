#include "core/plan/conv.h"

namespace striate {

bool is_winograd(ConvAlgorithm algorithm) {
  return algorithm == ConvAlgorithm::winograd || algorithm == ConvAlgorithm::small_winograd ||
         algorithm == ConvAlgorithm::strided_winograd ||
         algorithm == ConvAlgorithm::polyphase_winograd;
}

const char* algorithm_name(ConvAlgorithm algorithm) {
  switch (algorithm) {
    case ConvAlgorithm::implicit_gemm:
      return "implicit GEMM";
    case ConvAlgorithm::implicit_gemm_unshared:
      return "implicit GEMM without workspace";
    case ConvAlgorithm::direct:
      return "direct";
    case ConvAlgorithm::group_lanes:
      return "group lanes";
    case ConvAlgorithm::flat_planes:
      return "direct, flat planes";
    case ConvAlgorithm::winograd:
      return "Winograd";
    case ConvAlgorithm::small_winograd:
      return "Winograd, small tiles";
    case ConvAlgorithm::winograd_lanes:
      return "Winograd, channels as lanes";
    case ConvAlgorithm::strided_winograd:
      return "strided Winograd";
    case ConvAlgorithm::polyphase_winograd:
      return "polyphase Winograd";
    case ConvAlgorithm::broadcast:
      return "broadcast";
    case ConvAlgorithm::broadcast_unsliced:
      return "broadcast without workspace";
    case ConvAlgorithm::tensor_cores:
      return "implicit GEMM on tensor cores";
  }
  return "?";
}

}  // namespace striate
