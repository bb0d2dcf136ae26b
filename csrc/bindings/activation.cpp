#include "core/spec/activation.h"

#include "bindings/arguments.h"
#include "bindings/array.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/register.h"
#include "core/spec/elementwise.h"

namespace striate::bindings {
namespace {

// run(table, count, x, y) fills an array of x's shape.
template <class Run>
py::object unary(const char* function, py::handle x_object, const Run& run) {
  Input x(function, "x", x_object);
  const int64_t count = spec::elementwise(function, x.info());
  const void* x_data = x.data();
  Output y(x.dtype(), x.shape());
  run_for(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    run(*kernels<T>().activation, count, static_cast<const T*>(x_data), static_cast<T*>(y.data()));
  });
  return y.release();
}

// run(table, count, dy, other, dx), where `other` is the input or the output of the forward
// function.
template <class Run>
py::object gradient(const char* function, py::handle dy_object, const char* other_name,
                    py::handle other_object, const Run& run) {
  Input dy(function, "dy", dy_object), other(function, other_name, other_object);
  const int64_t count = spec::elementwise(function, dy.info(), other.info());
  const void *dy_data = dy.data(), *other_data = other.data();
  Output dx(dy.dtype(), dy.shape());
  run_for(dy.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    run(*kernels<T>().activation, count, static_cast<const T*>(dy_data),
        static_cast<const T*>(other_data), static_cast<T*>(dx.data()));
  });
  return dx.release();
}

double parse_slope(const char* function, py::handle object) {
  const double slope = parse_float(function, "negative_slope", object);
  spec::leaky_relu(function, slope);
  return slope;
}

double parse_alpha(const char* function, py::handle object) {
  const double alpha = parse_float(function, "alpha", object);
  spec::elu(function, alpha);
  return alpha;
}

// The element type of a pointer to constants.
template <class T>
T narrow(double value, const T*) {
  return static_cast<T>(value);
}

py::object relu(py::object x) {
  return unary("relu", x, [](const auto& table, int64_t count, auto from, auto to) {
    table.relu(count, from, to, context());
  });
}

py::object relu_grad(py::object dy, py::object y) {
  return gradient("relu_grad", dy, "y", y,
                  [](const auto& table, int64_t count, auto from, auto other, auto to) {
                    table.relu_grad(count, from, other, to, context());
                  });
}

py::object leaky_relu(py::object x, py::object negative_slope) {
  const double slope = parse_slope("leaky_relu", negative_slope);
  return unary("leaky_relu", x, [=](const auto& table, int64_t count, auto from, auto to) {
    table.leaky_relu(count, from, narrow(slope, from), to, context());
  });
}

py::object leaky_relu_grad(py::object dy, py::object x, py::object negative_slope) {
  const double slope = parse_slope("leaky_relu_grad", negative_slope);
  return gradient("leaky_relu_grad", dy, "x", x,
                  [=](const auto& table, int64_t count, auto from, auto other, auto to) {
                    table.leaky_relu_grad(count, from, other, narrow(slope, from), to, context());
                  });
}

py::object elu(py::object x, py::object alpha_object) {
  const double alpha = parse_alpha("elu", alpha_object);
  return unary("elu", x, [=](const auto& table, int64_t count, auto from, auto to) {
    table.elu(count, from, narrow(alpha, from), to, context());
  });
}

py::object elu_grad(py::object dy, py::object y, py::object alpha_object) {
  const double alpha = parse_alpha("elu_grad", alpha_object);
  return gradient("elu_grad", dy, "y", y,
                  [=](const auto& table, int64_t count, auto from, auto other, auto to) {
                    table.elu_grad(count, from, other, narrow(alpha, from), to, context());
                  });
}

py::object sigmoid(py::object x) {
  return unary("sigmoid", x, [](const auto& table, int64_t count, auto from, auto to) {
    table.sigmoid(count, from, to, context());
  });
}

py::object sigmoid_grad(py::object dy, py::object y) {
  return gradient("sigmoid_grad", dy, "y", y,
                  [](const auto& table, int64_t count, auto from, auto other, auto to) {
                    table.sigmoid_grad(count, from, other, to, context());
                  });
}

py::object tanh(py::object x) {
  return unary("tanh", x, [](const auto& table, int64_t count, auto from, auto to) {
    table.tanh(count, from, to, context());
  });
}

py::object tanh_grad(py::object dy, py::object y) {
  return gradient("tanh_grad", dy, "y", y,
                  [](const auto& table, int64_t count, auto from, auto other, auto to) {
                    table.tanh_grad(count, from, other, to, context());
                  });
}

struct Softplus {
  double beta, threshold;

  Softplus(const char* function, py::handle beta_object, py::handle threshold_object)
      : beta(parse_float(function, "beta", beta_object)),
        threshold(parse_float(function, "threshold", threshold_object)) {
    spec::softplus(function, beta, threshold);
  }
};

bool parse_approximate(const char* function, py::handle object) {
  return spec::gelu(function, parse_text(function, "approximate", object));
}

py::object softplus(py::object x, py::object beta, py::object threshold) {
  const Softplus p("softplus", beta, threshold);
  return unary("softplus", x, [=](const auto& table, int64_t count, auto from, auto to) {
    table.softplus(count, from, narrow(p.beta, from), narrow(p.threshold, from), to, context());
  });
}

py::object softplus_grad(py::object dy, py::object x, py::object beta, py::object threshold) {
  const Softplus p("softplus_grad", beta, threshold);
  return gradient("softplus_grad", dy, "x", x,
                  [=](const auto& table, int64_t count, auto from, auto other, auto to) {
                    table.softplus_grad(count, from, other, narrow(p.beta, from),
                                        narrow(p.threshold, from), to, context());
                  });
}

py::object silu(py::object x) {
  return unary("silu", x, [](const auto& table, int64_t count, auto from, auto to) {
    table.silu(count, from, to, context());
  });
}

py::object silu_grad(py::object dy, py::object x) {
  return gradient("silu_grad", dy, "x", x,
                  [](const auto& table, int64_t count, auto from, auto other, auto to) {
                    table.silu_grad(count, from, other, to, context());
                  });
}

py::object gelu(py::object x, py::object approximate) {
  const bool tanh = parse_approximate("gelu", approximate);
  return unary("gelu", x, [=](const auto& table, int64_t count, auto from, auto to) {
    table.gelu(count, from, tanh, to, context());
  });
}

py::object gelu_grad(py::object dy, py::object x, py::object approximate) {
  const bool tanh = parse_approximate("gelu_grad", approximate);
  return gradient("gelu_grad", dy, "x", x,
                  [=](const auto& table, int64_t count, auto from, auto other, auto to) {
                    table.gelu_grad(count, from, other, tanh, to, context());
                  });
}

py::object hardswish(py::object x) {
  return unary("hardswish", x, [](const auto& table, int64_t count, auto from, auto to) {
    table.hardswish(count, from, to, context());
  });
}

py::object hardswish_grad(py::object dy, py::object x) {
  return gradient("hardswish_grad", dy, "x", x,
                  [](const auto& table, int64_t count, auto from, auto other, auto to) {
                    table.hardswish_grad(count, from, other, to, context());
                  });
}

}  // namespace

void register_activation(py::module_& module) {
  module.def("relu", relu);
  module.def("relu_grad", relu_grad);
  module.def("leaky_relu", leaky_relu);
  module.def("leaky_relu_grad", leaky_relu_grad);
  module.def("elu", elu);
  module.def("elu_grad", elu_grad);
  module.def("sigmoid", sigmoid);
  module.def("sigmoid_grad", sigmoid_grad);
  module.def("tanh", tanh);
  module.def("tanh_grad", tanh_grad);
  module.def("softplus", softplus);
  module.def("softplus_grad", softplus_grad);
  module.def("silu", silu);
  module.def("silu_grad", silu_grad);
  module.def("gelu", gelu);
  module.def("gelu_grad", gelu_grad);
  module.def("hardswish", hardswish);
  module.def("hardswish_grad", hardswish_grad);
}

}  // namespace striate::bindings
