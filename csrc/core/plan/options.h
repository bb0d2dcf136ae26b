// What the user asked of every plan.
#pragma once

#include <cstdint>

namespace striate {

struct PlanOptions {
  bool exact = false;          // direct sums only: set_precision("exact")
  int64_t max_workspace = -1;  // bytes that a call may take for itself; -1: no limit
};

PlanOptions plan_options();
void set_exact(bool exact);
void set_max_workspace(int64_t bytes);

}  // namespace striate
