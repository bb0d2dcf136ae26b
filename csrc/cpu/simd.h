// Vectors of this translation unit's instruction set: simd/ is the only place with vector types and
// intrinsics. Everything is always inline and in an anonymous namespace, because a weak symbol
// compiled with ISA flags could be linked into code that must run without them.
#pragma once

#include "cpu/simd/arithmetic.h"
#include "cpu/simd/counts.h"
#include "cpu/simd/exponent.h"
#include "cpu/simd/mask.h"
#include "cpu/simd/pair.h"
#include "cpu/simd/random_words.h"
#include "cpu/simd/reduce.h"
#include "cpu/simd/vec.h"
