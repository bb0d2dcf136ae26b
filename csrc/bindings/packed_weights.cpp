#include "bindings/packed_weights.h"

#include <algorithm>
#include <memory>

#include "bindings/array.h"
#include "bindings/call.h"
#include "core/spec/shapes.h"

namespace striate::bindings {
namespace {

std::unique_ptr<PackedWeights> pack_conv_weights(py::object w_object, py::object x_shape,
                                                 py::object stride, py::object padding,
                                                 py::object dilation, py::object groups) {
  static constexpr char function[] = "pack_conv_weights";
  Input w(function, "w", w_object);
  // What is no convolution's fails for x_shape.
  const int rank = std::clamp(w.shape().rank - 2, 1, kSpatial);
  const ArrayInfo x{"x_shape", w.dtype(), parse_shape(function, "x_shape", x_shape)};
  const ConvProblem p = spec::conv(function, rank, x, w.info(), nullptr,
                                   parse_conv_args(function, stride, padding, dilation, groups));
  const void* w_data = w.data();
  auto packed = std::make_unique<PackedWeights>();
  packed->weights = py::reinterpret_borrow<ArrayHandle>(w_object);
  packed->rank = rank;
  packed->isa = kernel_set();
  packed->groups = p.groups;
  packed->stride = p.window.stride[1];
  int64_t elements = 0;
  run_for(p.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    packed->algorithm = plan_for<T>(ConvDirection::forward, p).algorithm;
    elements = kernels<T>().conv->packed_size(p, packed->algorithm);
  });
  packed->bytes = elements * static_cast<int64_t>(size_of(p.dtype));
  if (elements == 0) return packed;
  packed->buffer.emplace(p.dtype, spec::make_shape(elements));
  run_for(p.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    kernels<T>().conv->pack(p, packed->algorithm, static_cast<const T*>(w_data),
                            static_cast<T*>(packed->buffer->data()), context());
  });
  return packed;
}

}  // namespace

const PackedWeights* as_packed_weights(const py::object& object) {
  if (is_array(object) || !py::isinstance<PackedWeights>(object)) return nullptr;
  return object.cast<const PackedWeights*>();
}

void register_packed_weights(py::module_& module) {
  py::class_<PackedWeights>(module, "_PackedWeights")
      .def_property_readonly("algorithm",
                             [](const PackedWeights& p) { return algorithm_name(p.algorithm); })
      .def_property_readonly("rank", [](const PackedWeights& p) { return p.rank; })
      .def_property_readonly("nbytes", [](const PackedWeights& p) { return p.bytes; });
  module.def("pack_conv_weights", pack_conv_weights);
}

}  // namespace striate::bindings
