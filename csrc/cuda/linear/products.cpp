#include "cuda/linear/products.h"

namespace striate::cuda {
namespace {

// A matrix whose rows have `width` contiguous elements: they are the lines, or the depth is.
OperandMap rows_as_lines(int64_t rows, int64_t width) {
  return {plain_map(rows, width), plain_map(width, 1), {1, 1, 1}, 0, true};
}
OperandMap rows_as_depth(int64_t rows, int64_t width) {
  return {plain_map(width, 1), plain_map(rows, width), {1, 1, 1}, 0, false};
}

Product product_of(const OperandMap& a, const OperandMap& b) {
  Product p{};
  p.groups = 1;
  p.rows = a.lines.outer;
  p.columns = b.lines.outer;
  p.depth = a.depth.outer;
  p.a = a;
  p.b = b;
  p.c = {p.columns, plain_map(p.columns, 1), 0, true};
  return p;
}

}  // namespace

Product linear_forward_product(const LinearProblem& p) {
  return product_of(rows_as_lines(p.rows, p.in_features),
                    rows_as_lines(p.out_features, p.in_features));
}

Product linear_input_grad_product(const LinearProblem& p) {
  return product_of(rows_as_lines(p.rows, p.out_features),
                    rows_as_depth(p.out_features, p.in_features));
}

Product linear_weight_grad_product(const LinearProblem& p) {
  return product_of(rows_as_depth(p.rows, p.out_features), rows_as_depth(p.rows, p.in_features));
}

}  // namespace striate::cuda
