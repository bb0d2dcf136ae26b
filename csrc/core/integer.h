// Whole numbers, as sizes need them. In an anonymous namespace because kernel files include it: see
// cpu/simd.h.
#pragma once

#include <cstdint>

namespace striate {
namespace {

constexpr int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
constexpr int64_t greatest(int64_t a, int64_t b) { return a > b ? a : b; }

// Rounded towards +infinity; a >= 0, b > 0.
constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Rounded towards -infinity; b > 0.
constexpr int64_t floor_div(int64_t a, int64_t b) { return a >= 0 ? a / b : -ceil_div(-a, b); }

// [begin, end): empty where the end is not above the beginning.
struct Range {
  int64_t begin, end;
  constexpr int64_t size() const { return end - begin; }
};

}  // namespace
}  // namespace striate
