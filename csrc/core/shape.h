// Shapes and dtypes as plain structs: kernels see them too, so there is no STL here.
#pragma once

#include <cstddef>
#include <cstdint>

namespace striate {

enum class DType : uint8_t { f32, f64 };

constexpr size_t size_of(DType dtype) { return dtype == DType::f32 ? 4 : 8; }
constexpr const char* name_of(DType dtype) { return dtype == DType::f32 ? "float32" : "float64"; }

inline constexpr int kMaxRank = 64;  // NumPy's limit

struct Shape {
  int rank = 0;
  int64_t dim[kMaxRank] = {};

  int64_t operator[](int axis) const { return dim[axis]; }
};

// What a spec needs to know of an array argument.
struct ArrayInfo {
  const char* name;  // as the user spells the argument
  DType dtype;
  Shape shape;
};

}  // namespace striate
