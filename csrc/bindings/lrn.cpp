#include "core/spec/lrn.h"

#include "bindings/arguments.h"
#include "bindings/array.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/register.h"

namespace striate::bindings {
namespace {

// The arguments as the spec takes them, and the texts that they point to.
struct Arguments {
  std::string region, convention;
  spec::LrnArgs args;

  Arguments(const char* function, py::handle size, py::handle alpha, py::handle beta, py::handle k,
            py::handle region_object, py::handle convention_object)
      : region(parse_text(function, "region", region_object)),
        convention(parse_text(function, "convention", convention_object)),
        args{parse_int(function, "size", size),
             parse_float(function, "alpha", alpha),
             parse_float(function, "beta", beta),
             parse_float(function, "k", k),
             region.c_str(),
             convention.c_str()} {}
};

py::object local_response_norm(py::object x_object, py::object size, py::object alpha,
                               py::object beta, py::object k, py::object region,
                               py::object convention) {
  constexpr const char* function = "local_response_norm";
  Input x(function, "x", x_object);
  const Arguments arguments(function, size, alpha, beta, k, region, convention);
  const LrnProblem problem = spec::local_response_norm(function, x.info(), arguments.args);
  const void* x_data = x.data();
  Output y(x.dtype(), x.shape());
  run_for(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto forward =
        problem.within ? kernels<T>().lrn_within->forward : kernels<T>().lrn->forward;
    forward(problem, static_cast<const T*>(x_data), static_cast<T*>(y.data()), context());
  });
  return y.release();
}

py::object local_response_norm_grad(py::object dy_object, py::object x_object, py::object size,
                                    py::object alpha, py::object beta, py::object k,
                                    py::object region, py::object convention) {
  constexpr const char* function = "local_response_norm_grad";
  Input dy(function, "dy", dy_object);
  Input x(function, "x", x_object);
  const Arguments arguments(function, size, alpha, beta, k, region, convention);
  const LrnProblem problem =
      spec::local_response_norm_grad(function, dy.info(), x.info(), arguments.args);
  const void* dy_data = dy.data();
  const void* x_data = x.data();
  Output dx(x.dtype(), x.shape());
  run_for(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto grad = problem.within ? kernels<T>().lrn_within->grad : kernels<T>().lrn->grad;
    grad(problem, static_cast<const T*>(dy_data), static_cast<const T*>(x_data),
         static_cast<T*>(dx.data()), context());
  });
  return dx.release();
}

}  // namespace

void register_lrn(py::module_& module) {
  module.def("local_response_norm", local_response_norm);
  module.def("local_response_norm_grad", local_response_norm_grad);
}

}  // namespace striate::bindings
