// What the user asks of every plan.
#include "bindings/arguments.h"
#include "bindings/register.h"
#include "core/check.h"
#include "core/plan/options.h"

namespace striate::bindings {
namespace {

void set_precision(const py::object& object) {
  const std::string name = parse_text("set_precision", "precision", object);
  check(name == "fast" || name == "exact", "set_precision",
        "precision must be 'fast' or 'exact'. Got precision='", name, "'.");
  set_exact(name == "exact");
}

void set_workspace_limit(const py::object& object) {
  static constexpr char function[] = "set_max_workspace";
  if (object.is_none()) return set_max_workspace(-1);
  const int64_t bytes = parse_int(function, "bytes", object);
  check(bytes >= 0, function, "bytes must be None or not negative. Got bytes=", bytes, ".");
  set_max_workspace(bytes);
}

py::object workspace_limit() {
  const int64_t bytes = plan_options().max_workspace;
  return bytes < 0 ? py::object(py::none()) : py::object(py::int_(bytes));
}

}  // namespace

void register_plan_options(py::module_& module) {
  module.def("set_precision", set_precision);
  module.def("get_precision", [] { return plan_options().exact ? "exact" : "fast"; });
  module.def("set_max_workspace", set_workspace_limit);
  module.def("get_max_workspace", workspace_limit);
}

}  // namespace striate::bindings
