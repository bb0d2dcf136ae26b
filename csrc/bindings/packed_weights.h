// A convolution's weights in the form of the algorithm that will read them.
#pragma once

#include <optional>

#include "bindings/backend.h"
#include "bindings/conv.h"

namespace striate::bindings {

// Never changes. A call that runs another algorithm reads `weights` instead.
struct PackedWeights {
  ArrayHandle weights;
  int rank;         // spatial axes
  const char* isa;  // whose kernels read the form
  ConvAlgorithm algorithm;
  int64_t groups;
  int64_t stride;  // of rows
  int64_t bytes;
  std::optional<Output> buffer;  // none where the algorithm has no form of its own

  // Null where a call cannot read what was packed. The form depends on the filters alone, or on
  // the stride too, whose phases polyphase Winograd parts them into.
  template <class T>
  const T* data(const ConvProblem& problem, ConvAlgorithm wanted) const {
    const bool fits =
        buffer && isa == kernel_set() && algorithm == wanted && groups == problem.groups &&
        (wanted != ConvAlgorithm::polyphase_winograd || stride == problem.window.stride[1]);
    return fits ? static_cast<const T*>(buffer->data()) : nullptr;
  }
};

// `object` as packed weights, or null where it is something else.
const PackedWeights* as_packed_weights(const py::object& object);

void register_packed_weights(py::module_& module);

}  // namespace striate::bindings
