#include "core/spec/pad.h"

#include "core/spec/shapes.h"

namespace striate {

Shape PadProblem::in_shape() const {
  return spec::make_shape(batch, channels, in_height, in_width);
}
Shape PadProblem::out_shape() const {
  return spec::make_shape(batch, channels, out_height, out_width);
}

namespace spec {
namespace {

constexpr int kPlane = 2;  // spatial axes

// All but the sizes of the planes. The padding after the last row and column goes to `after`.
PadProblem start(const char* function, const ArrayInfo& array, const PaddingArg& padding,
                 int64_t* after) {
  check_rank(function, array, 2 + kPlane, "(N, C, H, W)");
  element_count(function, array.name, array.shape);
  check(padding.kind == PaddingArg::Kind::numbers, function,
        "padding must be numbers, as there is no window. Got padding='",
        padding.kind == PaddingArg::Kind::same ? "same" : "valid", "'.");
  int64_t before[kSpatial];
  resolve_padding(function, kPlane, padding, before, after);
  PadProblem p;
  p.dtype = array.dtype;
  p.batch = array.shape[0];
  p.channels = array.shape[1];
  p.top = before[kSpatial - 2];
  p.left = before[kSpatial - 1];
  return p;
}

}  // namespace

PadProblem pad(const char* function, const ArrayInfo& x, const PaddingArg& padding) {
  int64_t after[kSpatial];
  PadProblem p = start(function, x, padding, after);
  p.in_height = x.shape[2];
  p.in_width = x.shape[3];
  p.out_height = p.top + p.in_height + after[kSpatial - 2];
  p.out_width = p.left + p.in_width + after[kSpatial - 1];
  element_count(function, "the result", p.out_shape());
  return p;
}

PadProblem pad_grad(const char* function, const ArrayInfo& dy, const PaddingArg& padding) {
  int64_t after[kSpatial];
  PadProblem p = start(function, dy, padding, after);
  p.out_height = dy.shape[2];
  p.out_width = dy.shape[3];
  p.in_height = p.out_height - p.top - after[kSpatial - 2];
  p.in_width = p.out_width - p.left - after[kSpatial - 1];
  check(p.in_height >= 0 && p.in_width >= 0, function,
        "dy must be at least as large as the padding. Got dy of shape ", to_string(dy.shape),
        ", padding=((", p.top, ", ", after[kSpatial - 2], "), (", p.left, ", ", after[kSpatial - 1],
        ")).");
  return p;
}

}  // namespace spec
}  // namespace striate
