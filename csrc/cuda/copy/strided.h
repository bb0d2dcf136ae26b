// Arrays that no kernel can read as they lie (strides, byte order, alignment, a narrower integer)
// made contiguous.
#pragma once

#include "core/context.h"
#include "core/shape.h"

namespace striate::cuda {

enum class ElementType : uint8_t { f32, f64, i8, i16, i32, i64, u8, u16, u32, u64 };

struct StridedArray {
  const void* data;
  ElementType type;
  bool swapped;  // bytes the other way round
  int rank;
  int64_t count;
  int64_t shape[kMaxRank];
  int64_t strides[kMaxRank];  // in bytes
};

// to = from in C order. Floats keep their type; integers become i32 (from i32 only) or i64, where
// what is beyond int64 becomes its greatest value.
void copy_strided(const StridedArray& from, ElementType to_type, void* to, const Context& context);

}  // namespace striate::cuda
