#include "core/spec/conv.h"

#include "core/spec/shapes.h"

namespace striate {
namespace {

Shape with_spatial(int64_t first, int64_t second, const int64_t* spatial, int rank) {
  Shape shape = spec::make_shape(first, second);
  for (int i = kSpatial - rank; i < kSpatial; ++i) shape.dim[shape.rank++] = spatial[i];
  return shape;
}

const char* weight_layout(int rank) {
  return rank == 1   ? "(C_out, C_in / groups, K)"
         : rank == 2 ? "(C_out, C_in / groups, K_h, K_w)"
                     : "(C_out, C_in / groups, K_d, K_h, K_w)";
}

const char* transposed_weight_layout(int rank) {
  return rank == 1   ? "(C_in, C_out / groups, K)"
         : rank == 2 ? "(C_in, C_out / groups, K_h, K_w)"
                     : "(C_in, C_out / groups, K_d, K_h, K_w)";
}

}  // namespace

Shape ConvProblem::x_shape() const { return with_spatial(batch, in_channels, window.in, rank); }
Shape ConvProblem::y_shape() const { return with_spatial(batch, out_channels, window.out, rank); }
Shape ConvProblem::w_shape() const {
  return with_spatial(out_channels, groups == 0 ? 0 : in_channels / groups, window.kernel, rank);
}
double ConvProblem::flops() const {
  const auto outputs = static_cast<double>(batch * out_channels * window.out_size());
  return 2 * outputs * static_cast<double>(in_channels / groups * window.kernel_size());
}

namespace spec {
namespace {

WindowArgs window_args(int rank, const ArrayInfo& w, const ConvArgs& args) {
  WindowArgs window;
  window.kernel.count = rank;
  for (int i = 0; i < rank; ++i) window.kernel.value[i] = w.shape[2 + i];
  window.stride = args.stride;
  window.dilation = args.dilation;
  window.padding = args.padding;
  return window;
}

// x and w may be shapes that the user gave, or arrays.
ConvProblem resolve(const char* function, int rank, const ArrayInfo& x, const ArrayInfo& w,
                    const ConvArgs& args) {
  check_rank(function, x, rank + 2, image_layout(rank));
  check_rank(function, w, rank + 2, weight_layout(rank));
  element_count(function, x.name, x.shape);
  element_count(function, w.name, w.shape);
  ConvProblem p;
  p.dtype = x.dtype;
  p.rank = rank;
  p.batch = x.shape[0];
  p.in_channels = x.shape[1];
  p.out_channels = w.shape[0];
  p.groups = args.groups;
  check(p.groups >= 1, function, "groups must be positive. Got groups=", p.groups, ".");
  check(p.in_channels % p.groups == 0, function, "groups must divide C_in. Got groups=", p.groups,
        ", C_in=", p.in_channels, ".");
  check(p.out_channels % p.groups == 0, function, "groups must divide C_out. Got groups=", p.groups,
        ", C_out=", p.out_channels, ".");
  check(w.shape[1] == p.in_channels / p.groups, function, w.name,
        " must have C_in / groups channels. Got ", w.name, ".shape[1]=", w.shape[1],
        ", C_in=", p.in_channels, ", groups=", p.groups, ".");
  p.window = resolve_window(function, rank, x.shape.dim + 2, window_args(rank, w, args));
  element_count(function, "the result", p.y_shape());
  return p;
}

// The convolution that goes the other way: from the transposed one's output to its input, x.
ConvProblem resolve_transposed(const char* function, int rank, const ArrayInfo& x,
                               const ArrayInfo& w, const ConvTransposeArgs& args) {
  check_rank(function, x, rank + 2, image_layout(rank));
  check_rank(function, w, rank + 2, transposed_weight_layout(rank));
  element_count(function, x.name, x.shape);
  element_count(function, w.name, w.shape);
  ConvProblem p;
  p.dtype = x.dtype;
  p.rank = rank;
  p.batch = x.shape[0];
  p.out_channels = x.shape[1];
  p.groups = args.groups;
  check(p.groups >= 1, function, "groups must be positive. Got groups=", p.groups, ".");
  check(p.out_channels % p.groups == 0, function, "groups must divide C_in. Got groups=", p.groups,
        ", C_in=", p.out_channels, ".");
  check(w.shape[0] == p.out_channels, function, w.name, " must have C_in filters. Got ", w.name,
        ".shape[0]=", w.shape[0], ", C_in=", p.out_channels, ".");
  const bool overflow = __builtin_mul_overflow(w.shape[1], p.groups, &p.in_channels);
  check(!overflow, function, "C_out must fit 64 bits. Got ", w.name, ".shape[1]=", w.shape[1],
        ", groups=", p.groups, ".");
  p.window = resolve_transposed_window(function, rank, x.shape.dim + 2, window_args(rank, w, args),
                                       args.output_padding);
  element_count(function, "the result", p.x_shape());
  return p;
}

void check_output(const char* function, const ConvProblem& p, const ArrayInfo& dy,
                  const ArrayInfo* y) {
  check_shape(function, dy, p.y_shape());
  if (y != nullptr) {
    check_same_dtype(function, dy, *y);
    check_shape(function, *y, p.y_shape());
  }
}

}  // namespace

ConvProblem conv(const char* function, int rank, const ArrayInfo& x, const ArrayInfo& w,
                 const ArrayInfo* b, const ConvArgs& args) {
  check_same_dtype(function, x, w);
  const ConvProblem p = resolve(function, rank, x, w, args);
  if (b != nullptr) {
    check_same_dtype(function, x, *b);
    check_shape(function, *b, make_shape(p.out_channels));
  }
  return p;
}

ConvProblem conv_input_grad(const char* function, int rank, const ArrayInfo& dy, const ArrayInfo& w,
                            const Shape& x_shape, const ArrayInfo* y, const ConvArgs& args) {
  check_same_dtype(function, dy, w);
  const ConvProblem p = resolve(function, rank, {"x_shape", dy.dtype, x_shape}, w, args);
  check_output(function, p, dy, y);
  return p;
}

ConvProblem conv_weight_grad(const char* function, int rank, const ArrayInfo& dy,
                             const ArrayInfo& x, const Shape& w_shape, const ArrayInfo* y,
                             const ConvArgs& args) {
  check_same_dtype(function, dy, x);
  const ConvProblem p = resolve(function, rank, x, {"w_shape", dy.dtype, w_shape}, args);
  check_output(function, p, dy, y);
  return p;
}

ConvProblem conv_transpose(const char* function, int rank, const ArrayInfo& x, const ArrayInfo& w,
                           const ArrayInfo* b, const ConvTransposeArgs& args) {
  check_same_dtype(function, x, w);
  const ConvProblem p = resolve_transposed(function, rank, x, w, args);
  if (b != nullptr) {
    check_same_dtype(function, x, *b);
    check_shape(function, *b, make_shape(p.in_channels));
  }
  return p;
}

ConvProblem conv_transpose_input_grad(const char* function, int rank, const ArrayInfo& dy,
                                      const ArrayInfo& w, const Shape& x_shape,
                                      const ConvTransposeArgs& args) {
  check_same_dtype(function, dy, w);
  const ConvProblem p = resolve_transposed(function, rank, {"x_shape", dy.dtype, x_shape}, w, args);
  check_shape(function, dy, p.x_shape());
  return p;
}

ConvProblem conv_transpose_weight_grad(const char* function, int rank, const ArrayInfo& dy,
                                       const ArrayInfo& x, const Shape& w_shape,
                                       const ConvTransposeArgs& args) {
  check_same_dtype(function, dy, x);
  const ConvProblem p = resolve_transposed(function, rank, x, {"w_shape", dy.dtype, w_shape}, args);
  check_shape(function, dy, p.x_shape());
  return p;
}

}  // namespace spec
}  // namespace striate
