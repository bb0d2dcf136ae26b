// Gathers the families of this instruction set.
#include "cpu/kernels.h"

#define STRIATE_TEXT2(x) #x
#define STRIATE_TEXT(x) STRIATE_TEXT2(x)

namespace striate::cpu::STRIATE_ISA {

const KernelTable table = {
    STRIATE_TEXT(STRIATE_ISA),
    {&activation_f32},
    {&activation_f64},
};

}  // namespace striate::cpu::STRIATE_ISA
