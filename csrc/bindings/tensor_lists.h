// The lists of arrays that an optimizer step reads and updates.
#pragma once

#include <pybind11/pybind11.h>

#include <deque>
#include <optional>
#include <string>
#include <utility>
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

// weight_decay, l1 and decoupled, which every optimizer step takes.
Penalty parse_penalty(const char* function, py::handle weight_decay, py::handle l1,
                      py::handle decoupled);

// One number for all tensors, or one for each.
std::vector<double> parse_floats(const char* function, const char* name, py::handle object,
                                 size_t count);

// clip_norm, grad_norm and clip_value, which every optimizer step takes; each may be None.
Clip parse_clip(const char* function, py::handle clip_norm, py::handle grad_norm,
                py::handle clip_value);

void check_same_length(const char* function, const char* name, size_t length, size_t expected,
                       const char* other = "params");
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

// One tensor of an optimizer step: its gradient and what the step keeps for it.
struct StepTensor {
  static constexpr size_t kStates = 3;

  size_t index;  // in params
  DType dtype;
  int64_t count;
  void* param;
  const void* grad;
  void* average;  // null where none is kept
  double share;
  void* states[kStates];

  template <class T>
  T* state(size_t i) const {
    return static_cast<T*>(states[i]);
  }
  template <class T>
  StepArrays<T> arrays() const {
    return {count, static_cast<T*>(param), static_cast<const T*>(grad), static_cast<T*>(average),
            share};
  }
};

// The lists of an optimizer step, all checked before anything is written. States are null where
// they are not used; tensors without a gradient are left out.
class StepLists {
 public:
  StepLists(const char* function, py::handle params, py::handle grads,
            const char* params_name = "params", const char* grads_name = "grads");
  // To be called for each state in turn; `used` ones are updated.
  void add_state(const char* name, py::handle object, bool used);

  // The moving averages of the parameters; both are None where none are kept.
  void add_averages(py::handle averages, py::handle ema);

  size_t size() const { return params_.size(); }
  std::vector<StepTensor> tensors();

 private:
  const char* function_;
  const char* params_name_;
  std::vector<InOut> params_;
  std::deque<Gradient> grads_;
  std::vector<std::vector<InOut>> states_;  // empty where not used
  std::vector<InOut> averages_;             // the same
  std::vector<double> decays_;
};

// make(tensor, zero) for each tensor, into the list of its dtype.
template <template <class> class Tensor, class Make>
std::pair<std::vector<Tensor<float>>, std::vector<Tensor<double>>> by_dtype(
    const std::vector<StepTensor>& tensors, const Make& make) {
  std::pair<std::vector<Tensor<float>>, std::vector<Tensor<double>>> lists;
  for (const StepTensor& t : tensors) {
    if (t.dtype == DType::f32)
      lists.first.push_back(make(t, float{}));
    else
      lists.second.push_back(make(t, double{}));
  }
  return lists;
}

}  // namespace striate::bindings
