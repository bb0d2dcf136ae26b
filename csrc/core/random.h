// Random draws for initial weights: plain C++ without fused operations or libm, so that they are
// the same on every instruction set. Element i uses Philox counter offset + i / 2, words 2 (i % 2)
// and the next, as 53 bits of a number in (0, 1).
#pragma once

#include <cstdint>

namespace striate {

// Strictly between low and high, wherever T has a number there.
template <class T>
void random_uniform(int64_t count, uint64_t seed, uint64_t offset, double low, double high, T* out);

// By the inverse of the normal distribution function (Wichura, algorithm AS 241, 1988).
template <class T>
void random_normal(int64_t count, uint64_t seed, uint64_t offset, double mean, double std, T* out);

// The same, restricted to `cut` standard deviations around the mean; std is that of the whole
// normal distribution.
template <class T>
void random_truncated_normal(int64_t count, uint64_t seed, uint64_t offset, double mean, double std,
                             double cut, T* out);

}  // namespace striate
