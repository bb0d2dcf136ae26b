#include "bindings/conv.h"

#include "bindings/array.h"
#include "bindings/backend.h"
#include "bindings/call.h"
#include "bindings/packed_weights.h"
#include "bindings/register.h"

namespace striate::bindings {
namespace {

template <class T>
ConvAlgorithm choose(ConvDirection direction, const ConvProblem& problem) {
  return plan_for<T>(direction, problem).algorithm;
}

// The three sums over a convolution's terms, for arrays of the problem's dtype. `y` and `b` may be
// null.

// `packed` may be null, or what was packed of w; it is used where it fits.
void forward(const ConvProblem& p, const void* x, const void* w, const PackedWeights* packed,
             const void* b, bool relu, void* y) {
  run_for(p.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const ConvAlgorithm algorithm = choose<T>(ConvDirection::forward, p);
    const T* ready = packed == nullptr ? nullptr : packed->data<T>(p, algorithm);
    kernels<T>().conv->forward(p, algorithm, static_cast<const T*>(x), static_cast<const T*>(w),
                               ready, static_cast<const T*>(b), relu, static_cast<T*>(y),
                               context());
  });
}

void input_grad(const ConvProblem& p, const void* dy, const void* w, const void* y, const void* b,
                void* dx) {
  run_for(p.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().conv->input_grad(p, choose<T>(ConvDirection::input_grad, p),
                                  static_cast<const T*>(dy), static_cast<const T*>(w),
                                  static_cast<const T*>(y), static_cast<const T*>(b),
                                  static_cast<T*>(dx), context());
  });
}

void weight_grad(const ConvProblem& p, const void* dy, const void* x, const void* y, void* dw) {
  run_for(p.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().conv_weight_grad->weight_grad(
        p, choose<T>(ConvDirection::weight_grad, p), static_cast<const T*>(dy),
        static_cast<const T*>(x), static_cast<const T*>(y), static_cast<T*>(dw), context());
  });
}

void register_family(py::module_& module, const ConvFamily& family) {
  const int rank = family.rank;
  module.def(family.forward, [rank, function = family.forward](
                                 py::object x_object, py::object w_object, py::object b_object,
                                 py::object stride, py::object padding, py::object dilation,
                                 py::object groups, py::object activation) {
    const PackedWeights* packed = as_packed_weights(w_object);
    Input x(function, "x", x_object);
    Input w(function, "w", packed == nullptr ? w_object : py::object(packed->weights));
    OptionalInput b(function, "b", b_object);
    const ConvProblem p = spec::conv(function, rank, x.info(), w.info(), b.info(),
                                     parse_conv_args(function, stride, padding, dilation, groups));
    const bool relu = parse_activation(function, activation);
    const void *x_data = x.data(), *w_data = w.data(), *b_data = b.data();
    Output y(p.dtype, p.y_shape());
    forward(p, x_data, w_data, packed, b_data, relu, y.data());
    return y.release();
  });
  module.def(family.input_grad,
             [rank, function = family.input_grad](
                 py::object dy_object, py::object w_object, py::object x_shape, py::object stride,
                 py::object padding, py::object dilation, py::object groups, py::object y_object) {
               Input dy(function, "dy", dy_object), w(function, "w", w_object);
               OptionalInput y(function, "y", y_object);
               const ConvProblem p = spec::conv_input_grad(
                   function, rank, dy.info(), w.info(), parse_shape(function, "x_shape", x_shape),
                   y.info(), parse_conv_args(function, stride, padding, dilation, groups));
               const void *dy_data = dy.data(), *w_data = w.data(), *y_data = y.data();
               Output dx(p.dtype, p.x_shape());
               input_grad(p, dy_data, w_data, y_data, nullptr, dx.data());
               return dx.release();
             });
  module.def(family.weight_grad,
             [rank, function = family.weight_grad](
                 py::object dy_object, py::object x_object, py::object w_shape, py::object stride,
                 py::object padding, py::object dilation, py::object groups, py::object y_object) {
               Input dy(function, "dy", dy_object), x(function, "x", x_object);
               OptionalInput y(function, "y", y_object);
               const ConvProblem p = spec::conv_weight_grad(
                   function, rank, dy.info(), x.info(), parse_shape(function, "w_shape", w_shape),
                   y.info(), parse_conv_args(function, stride, padding, dilation, groups));
               const void *dy_data = dy.data(), *x_data = x.data(), *y_data = y.data();
               Output dw(p.dtype, p.w_shape());
               weight_grad(p, dy_data, x_data, y_data, dw.data());
               return dw.release();
             });
}

// The problem is the convolution from the output to the input: forward and input gradient change
// places, and the weight gradient's two arrays.
void register_transposed(py::module_& module, const ConvFamily& family) {
  const int rank = family.rank;
  module.def(family.forward, [rank, function = family.forward](
                                 py::object x_object, py::object w_object, py::object b_object,
                                 py::object stride, py::object padding, py::object output_padding,
                                 py::object dilation, py::object groups) {
    Input x(function, "x", x_object), w(function, "w", w_object);
    OptionalInput b(function, "b", b_object);
    const ConvProblem p = spec::conv_transpose(
        function, rank, x.info(), w.info(), b.info(),
        parse_transposed_args(function, stride, padding, output_padding, dilation, groups));
    const void *x_data = x.data(), *w_data = w.data(), *b_data = b.data();
    Output y(p.dtype, p.x_shape());
    input_grad(p, x_data, w_data, nullptr, b_data, y.data());
    return y.release();
  });
  module.def(
      family.input_grad,
      [rank, function = family.input_grad](
          py::object dy_object, py::object w_object, py::object x_shape, py::object stride,
          py::object padding, py::object output_padding, py::object dilation, py::object groups) {
        Input dy(function, "dy", dy_object), w(function, "w", w_object);
        const ConvProblem p = spec::conv_transpose_input_grad(
            function, rank, dy.info(), w.info(), parse_shape(function, "x_shape", x_shape),
            parse_transposed_args(function, stride, padding, output_padding, dilation, groups));
        const void *dy_data = dy.data(), *w_data = w.data();
        Output dx(p.dtype, p.y_shape());
        forward(p, dy_data, w_data, nullptr, nullptr, false, dx.data());
        return dx.release();
      });
  module.def(
      family.weight_grad,
      [rank, function = family.weight_grad](
          py::object dy_object, py::object x_object, py::object w_shape, py::object stride,
          py::object padding, py::object output_padding, py::object dilation, py::object groups) {
        Input dy(function, "dy", dy_object), x(function, "x", x_object);
        const ConvProblem p = spec::conv_transpose_weight_grad(
            function, rank, dy.info(), x.info(), parse_shape(function, "w_shape", w_shape),
            parse_transposed_args(function, stride, padding, output_padding, dilation, groups));
        const void *dy_data = dy.data(), *x_data = x.data();
        Output dw(p.dtype, p.w_shape());
        weight_grad(p, x_data, dy_data, nullptr, dw.data());
        return dw.release();
      });
}

}  // namespace

void register_conv(py::module_& module) {
  for (const ConvFamily& family : kConv) register_family(module, family);
  for (const ConvFamily& family : kConvTranspose) register_transposed(module, family);
}

}  // namespace striate::bindings
