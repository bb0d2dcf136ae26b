#include "core/random.h"

#include "bindings/arguments.h"
#include "bindings/array.h"
#include "bindings/call.h"
#include "bindings/register.h"
#include "core/spec/random.h"
#include "core/spec/shapes.h"

namespace striate::bindings {
namespace {

struct Draw {
  Shape shape;
  int64_t count;
  uint64_t seed;
  uint64_t offset;
  DType dtype;
};

Draw parse_draw(const char* function, const py::object& shape, const py::object& seed,
                const py::object& offset, const py::object& dtype) {
  Draw d;
  d.shape = parse_shape(function, "shape", shape);
  d.count = spec::element_count(function, "shape", d.shape);
  d.seed = parse_seed(function, "seed", seed);
  d.offset = parse_seed(function, "offset", offset);
  d.dtype = parse_dtype(function, dtype);
  return d;
}

py::object uniform(py::object shape, py::object seed, py::object offset, py::object low,
                   py::object high, py::object dtype) {
  static constexpr char function[] = "random_uniform";
  const Draw d = parse_draw(function, shape, seed, offset, dtype);
  const double from = parse_float(function, "low", low), to = parse_float(function, "high", high);
  spec::random_uniform(function, d.dtype, from, to);
  Output out(d.dtype, d.shape);
  run_for(d.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    random_uniform(d.count, d.seed, d.offset, from, to, static_cast<T*>(out.data()));
  });
  return out.release();
}

py::object normal(py::object shape, py::object seed, py::object offset, py::object mean,
                  py::object std, py::object dtype) {
  static constexpr char function[] = "random_normal";
  const Draw d = parse_draw(function, shape, seed, offset, dtype);
  const double center = parse_float(function, "mean", mean),
               scale = parse_float(function, "std", std);
  spec::random_normal(function, d.dtype, center, scale);
  Output out(d.dtype, d.shape);
  run_for(d.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    random_normal(d.count, d.seed, d.offset, center, scale, static_cast<T*>(out.data()));
  });
  return out.release();
}

py::object truncated_normal(py::object shape, py::object seed, py::object offset, py::object mean,
                            py::object std, py::object cut, py::object dtype) {
  static constexpr char function[] = "random_truncated_normal";
  const Draw d = parse_draw(function, shape, seed, offset, dtype);
  const double center = parse_float(function, "mean", mean),
               scale = parse_float(function, "std", std), most = parse_float(function, "cut", cut);
  spec::random_truncated_normal(function, d.dtype, center, scale, most);
  Output out(d.dtype, d.shape);
  run_for(d.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    random_truncated_normal(d.count, d.seed, d.offset, center, scale, most,
                            static_cast<T*>(out.data()));
  });
  return out.release();
}

}  // namespace

void register_random(py::module_& module) {
  module.def("random_uniform", uniform);
  module.def("random_normal", normal);
  module.def("random_truncated_normal", truncated_normal);
}

}  // namespace striate::bindings
