#include "core/spec/linear.h"

#include "core/spec/shapes.h"

namespace striate {
namespace {

Shape with_last(Shape leading, int64_t last) {
  leading.dim[leading.rank++] = last;
  return leading;
}

}  // namespace

Shape LinearProblem::x_shape() const { return with_last(leading, in_features); }
Shape LinearProblem::y_shape() const { return with_last(leading, out_features); }

namespace spec {
namespace {

void check_batched(const char* function, const ArrayInfo& array) {
  check(array.shape.rank >= 2, function, array.name,
        " must have at least 2 axes (..., features). Got ", "shape ", to_string(array.shape), ".");
}

void set_leading(const char* function, const ArrayInfo& array, LinearProblem& p) {
  element_count(function, array.name, array.shape);
  p.dtype = array.dtype;
  p.leading = array.shape;
  --p.leading.rank;
  p.rows = element_count(function, array.name, p.leading);
}

void check_mask(const char* function, const ArrayInfo& dy, const ArrayInfo* y) {
  if (y == nullptr) return;
  check_same_dtype(function, dy, *y);
  check_shape(function, *y, dy.shape);
}

}  // namespace

LinearProblem linear(const char* function, const ArrayInfo& x, const ArrayInfo& w,
                     const ArrayInfo* b) {
  LinearProblem p;
  check_same_dtype(function, x, w);
  check_batched(function, x);
  check_rank(function, w, 2, "(out_features, in_features)");
  set_leading(function, x, p);
  p.in_features = x.shape[x.shape.rank - 1];
  p.out_features = w.shape[0];
  check(w.shape[1] == p.in_features, function,
        "w.shape[1] must be x's last axis. Got w.shape[1]=", w.shape[1],
        ", in_features=", p.in_features, ".");
  if (b != nullptr) {
    check_same_dtype(function, x, *b);
    check_shape(function, *b, make_shape(p.out_features));
  }
  element_count(function, "the result", p.y_shape());
  return p;
}

LinearProblem linear_input_grad(const char* function, const ArrayInfo& dy, const ArrayInfo& w,
                                const ArrayInfo* y) {
  LinearProblem p;
  check_same_dtype(function, dy, w);
  check_batched(function, dy);
  check_rank(function, w, 2, "(out_features, in_features)");
  set_leading(function, dy, p);
  p.out_features = dy.shape[dy.shape.rank - 1];
  p.in_features = w.shape[1];
  check(w.shape[0] == p.out_features, function,
        "w.shape[0] must be dy's last axis. Got w.shape[0]=", w.shape[0],
        ", out_features=", p.out_features, ".");
  check_mask(function, dy, y);
  element_count(function, "the result", p.x_shape());
  return p;
}

LinearProblem linear_weight_grad(const char* function, const ArrayInfo& dy, const ArrayInfo& x,
                                 const ArrayInfo* y) {
  LinearProblem p;
  check_same_dtype(function, dy, x);
  check_batched(function, dy);
  check_batched(function, x);
  element_count(function, x.name, x.shape);
  set_leading(function, dy, p);
  p.out_features = dy.shape[dy.shape.rank - 1];
  p.in_features = x.shape[x.shape.rank - 1];
  check_shape(function, x, p.x_shape());
  check_mask(function, dy, y);
  element_count(function, "the result", make_shape(p.out_features, p.in_features));
  return p;
}

}  // namespace spec
}  // namespace striate
