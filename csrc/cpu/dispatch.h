// Which instruction set runs: the best that the processor has, or the one that STRIATE_ISA names.
#pragma once

#include <string>
#include <vector>

#include "cpu/kernels.h"

namespace striate::cpu {

const KernelTable& kernels();

// Those compiled in that this processor can run, best first.
std::vector<std::string> available_isas();

// An error for a name that is not among them.
void set_isa(const std::string& name);

}  // namespace striate::cpu
