// The lists of arrays that an optimizer step reads and updates.
#pragma once

#include <pybind11/pybind11.h>

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "bindings/array.h"
#include "core/spec/optimizer.h"

namespace striate::bindings {

// A list whose arrays are updated in place, its items named "params[3]". Items that are None are
// left out where that is allowed.
std::vector<InOut> parse_updated(const char* function, const char* name, py::handle object,
                                 bool skip_none = false);

// A list of gradients, null where the item is None.
struct Gradient {
  std::string name;
  std::optional<Input> input;  // refers to `name`
};
std::deque<Gradient> parse_gradients(const char* function, const char* name, py::handle object);

// One bool for all tensors, or one for each.
std::vector<bool> parse_flags(const char* function, const char* name, py::handle object,
                              size_t count);
// One int for all tensors, or one for each.
std::vector<int64_t> parse_counts(const char* function, const char* name, py::handle object,
                                  size_t count);

void check_same_length(const char* function, const char* name, size_t length, size_t expected);
// `state` belongs to `param`: same dtype and shape.
void check_matches(const char* function, const InOut& param, const std::string& name, DType dtype,
                   const Shape& shape);

// Refuses lists whose written arrays overlap anything else of the step.
class OverlapCheck {
 public:
  void add_written(const InOut& array) {
    ranges_.push_back({array.name().c_str(), array.data(), array.bytes(), true});
  }
  void add_read(const Gradient& gradient, const void* data, size_t bytes) {
    ranges_.push_back({gradient.name.c_str(), data, bytes, false});
  }
  void run(const char* function) {
    spec::check_no_overlap(function, ranges_.data(), ranges_.size());
  }

 private:
  std::vector<spec::ByteRange> ranges_;
};

}  // namespace striate::bindings
