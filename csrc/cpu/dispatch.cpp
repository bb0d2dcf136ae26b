#include "cpu/dispatch.h"

#include <atomic>
#include <cstdlib>

#include "core/check.h"
#include "isa_list.h"  // STRIATE_FOR_EACH_ISA, written by the build

namespace striate::cpu {

#define STRIATE_DECLARE(isa)      \
  namespace isa {                 \
  extern const KernelTable table; \
  }
STRIATE_FOR_EACH_ISA(STRIATE_DECLARE)
#undef STRIATE_DECLARE

namespace {

// Whether the processor and the operating system can run each set.
namespace supports {
[[maybe_unused]] bool baseline() { return true; }
[[maybe_unused]] bool neon() { return true; }
#if defined(__x86_64__)
[[maybe_unused]] bool avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
[[maybe_unused]] bool avx512() {
  return avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif
}  // namespace supports

struct Candidate {
  const KernelTable* table;
  bool (*supported)();
};

const Candidate candidates[] = {
#define STRIATE_CANDIDATE(isa) {&isa::table, supports::isa},
    STRIATE_FOR_EACH_ISA(STRIATE_CANDIDATE)
#undef STRIATE_CANDIDATE
};

const KernelTable* find(const std::string& name) {
  std::string known;
  for (const Candidate& candidate : candidates) {
    if (!candidate.supported()) continue;
    if (name.empty() || name == candidate.table->isa) return candidate.table;
    known += (known.empty() ? "" : ", ") + std::string(candidate.table->isa);
  }
  fail("STRIATE_ISA", "the instruction set must be one that this processor and this build have (",
       known, "). Got '", name, "'.");
}

const KernelTable* initial() {
  const char* name = std::getenv("STRIATE_ISA");
  return find(name == nullptr ? "" : name);
}

std::atomic<const KernelTable*>& current() {
  static std::atomic<const KernelTable*> table{initial()};
  return table;
}

}  // namespace

const KernelTable& kernels() { return *current().load(std::memory_order_relaxed); }

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const Candidate& candidate : candidates)
    if (candidate.supported()) names.push_back(candidate.table->isa);
  return names;
}

void set_isa(const std::string& name) { current() = find(name.empty() ? "?" : name); }

}  // namespace striate::cpu
