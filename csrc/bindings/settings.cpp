#include <pybind11/stl.h>

#include <cstdlib>
#include <string>

#include "bindings/arguments.h"
#include "bindings/register.h"
#include "build_info.h"  // written by the build
#include "core/check.h"
#include "core/memory.h"
#include "core/pool.h"
#include "cpu/dispatch.h"

// For threadpoolctl, which calls them through ctypes.
extern "C" {
__attribute__((visibility("default"))) int striate_get_num_threads() {
  return striate::num_threads();
}
__attribute__((visibility("default"))) void striate_set_num_threads(int threads) {
  if (threads >= 1 && threads <= striate::kMaxThreads) striate::set_num_threads(threads);
}
}

namespace striate::bindings {
namespace {

void set_threads(const char* function, int64_t threads) {
  check(threads >= 1 && threads <= kMaxThreads, function, "the number of threads must be in [1, ",
        kMaxThreads, "]. Got ", threads, ".");
  set_num_threads(static_cast<int>(threads));
}

// A positive number from the environment, or 0 where it is not set.
int64_t environment_number(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') return 0;
  char* end = nullptr;
  const long long value = std::strtoll(text, &end, 10);
  check(*end == '\0' && value > 0, name, "must be a positive number. Got '", text, "'.");
  return value;
}

py::dict memory_stats_dict() {
  const MemoryStats s = memory_stats();
  py::dict d;
  d["in_use_bytes"] = s.in_use_bytes;
  d["cached_bytes"] = s.cached_bytes;
  d["peak_bytes"] = s.peak_bytes;
  d["limit_bytes"] = s.limit_bytes;
  d["system_allocations"] = s.system_allocations;
  d["reuses"] = s.reuses;
  return d;
}

py::dict build_info() {
  py::dict d;
  d["version"] = STRIATE_VERSION;
  d["compiler"] = STRIATE_COMPILER;
  d["build_type"] = STRIATE_BUILD_TYPE;
  d["isas"] = py::cast(cpu::available_isas());
  d["cuda"] = STRIATE_HAS_CUDA;
  d["cuda_reason"] = STRIATE_HAS_CUDA ? py::none() : py::cast(STRIATE_CUDA_REASON);
  d["cuda_version"] = STRIATE_CUDA_VERSION;
  d["cuda_architectures"] = STRIATE_CUDA_ARCHITECTURES;
  return d;
}

py::dict thread_info() {
  const ThreadDefault& value = thread_default();
  py::dict d;
  d["affinity"] = value.affinity;
  d["cgroup_quota"] = value.quota > 0 ? py::cast(value.quota) : py::none();
  d["default"] = value.threads;
  return d;
}

}  // namespace

void register_settings(py::module_& module) {
  if (const int64_t threads = environment_number("STRIATE_NUM_THREADS"))
    set_threads("STRIATE_NUM_THREADS", threads);
  if (const int64_t megabytes = environment_number("STRIATE_POOL_MB")) {
    check(megabytes <= INT64_MAX >> 20, "STRIATE_POOL_MB", "must be below 2^43. Got ", megabytes,
          ".");
    set_cache_limit(megabytes << 20);
  }
  cpu::kernels();  // an unknown STRIATE_ISA is an error at import

  module.def("set_num_threads", [](py::object threads) {
    set_threads("set_num_threads", parse_int("set_num_threads", "threads", threads));
  });
  module.def("get_num_threads", [] { return num_threads(); });
  module.def("thread_info", thread_info);
  register_plan_options(module);
  module.def("cgroup_cpu_quota",
             [](const std::string& proc) { return cgroup_cpu_quota(proc.c_str()); });
  module.def("memory_stats", memory_stats_dict);
  module.def("empty_cache", [] { empty_cache(); });
  module.def("isa", [] { return std::string(cpu::kernels().isa); });
  module.def("available_isas", cpu::available_isas);
  module.def("set_isa", cpu::set_isa);
  module.def("build_info", build_info);
}

}  // namespace striate::bindings
