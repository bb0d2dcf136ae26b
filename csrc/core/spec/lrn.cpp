#include "core/spec/lrn.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/spec/shapes.h"

namespace striate::spec {
namespace {

void check_finite(const char* function, const char* name, double value) {
  check(std::isfinite(value), function, name, " must be finite. Got ", name, "=", value, ".");
}

}  // namespace

LrnProblem local_response_norm(const char* function, const ArrayInfo& x, const LrnArgs& args) {
  check(x.shape.rank >= 2, function, x.name, " must have at least 2 axes (N, C, ...). Got shape ",
        to_string(x.shape), ".");
  check(args.size >= 1, function, "size must be positive. Got size=", args.size, ".");
  check_finite(function, "alpha", args.alpha);
  check_finite(function, "beta", args.beta);
  check_finite(function, "k", args.k);
  const std::string region = args.region, convention = args.convention;
  check(region == "across" || region == "within", function,
        "region must be 'across' or 'within'. Got region='", region, "'.");
  check(convention == "torch" || convention == "onnx" || convention == "paper", function,
        "convention must be 'torch', 'onnx' or 'paper'. Got convention='", convention, "'.");

  LrnProblem p;
  p.dtype = x.dtype;
  p.batch = x.shape[0];
  p.channels = x.shape[1];
  const bool empty = element_count(function, x.name, x.shape) == 0;
  p.positions = empty ? 0 : 1;
  for (int i = 2; i < x.shape.rank && !empty; ++i) p.positions *= x.shape[i];

  p.beta = args.beta;
  p.k = args.k;
  p.rows = p.columns = 0;
  p.within = region == "within";
  if (p.within) {
    check(x.shape.rank == 4, function, x.name,
          " must have 4 axes (N, C, H, W) where region='within'. Got shape ", to_string(x.shape),
          ".");
    check(args.size % 2 == 1, function,
          "size must be odd where region='within'. Got size=", args.size, ".");
    p.rows = x.shape[2];
    p.columns = x.shape[3];
    p.a = args.alpha / (static_cast<double>(args.size) * static_cast<double>(args.size));
    p.before = p.after = std::min(args.size / 2, std::max(p.rows, p.columns));
    return p;
  }

  // An even window has no middle: the conventions differ in where it goes, and in its divisor.
  const double size = static_cast<double>(args.size);
  if (convention == "torch") {
    p.a = args.alpha / size;
    p.before = args.size / 2;
    p.after = (args.size - 1) / 2;
  } else if (convention == "onnx") {
    p.a = args.alpha / size;
    p.before = (args.size - 1) / 2;
    p.after = args.size / 2;
  } else {
    p.a = args.alpha;
    p.before = p.after = args.size / 2;
  }
  // What reaches beyond every channel holds nothing more.
  p.before = std::min(p.before, p.channels);
  p.after = std::min(p.after, p.channels);
  return p;
}

LrnProblem local_response_norm_grad(const char* function, const ArrayInfo& dy, const ArrayInfo& x,
                                    const LrnArgs& args) {
  check_same_dtype(function, dy, x);
  check_shape(function, dy, x.shape);
  return local_response_norm(function, x, args);
}

}  // namespace striate::spec
