#include "core/plan/options.h"

#include <atomic>

namespace striate {
namespace {

std::atomic<bool> exact{false};
std::atomic<int64_t> max_workspace{-1};

}  // namespace

PlanOptions plan_options() { return {exact.load(), max_workspace.load()}; }
void set_exact(bool value) { exact = value; }
void set_max_workspace(int64_t bytes) { max_workspace = bytes; }

}  // namespace striate
