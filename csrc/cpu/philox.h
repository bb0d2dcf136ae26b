// Random words in the order of the elements that they belong to: element i has word i % 4 of
// Philox's counter i / 4.
#pragma once

#include "core/formula/philox.h"
#include "cpu/simd.h"

namespace striate::cpu {
namespace {

inline constexpr int64_t kRandomWords = 4 * VecU64::lanes;

// The words of as many counters as fit a vector.
STRIATE_INLINE void random_words(formula::PhiloxKey key, uint64_t counter, uint32_t* out) {
  const VecU64 counters = VecU64::set(counter) + VecU64::iota();
  VecU64 word[4] = {counters & VecU64::set(0xFFFFFFFFu), shift_right(counters, 32), VecU64::set(0),
                    VecU64::set(0)};
  formula::philox(key, word);
  uint64_t pairs[2 * VecU64::lanes];
  store_interleaved(word[0] | shift_left(word[1], 32), word[2] | shift_left(word[3], 32), pairs);
  for (int i = 0; i < 2 * VecU64::lanes; ++i) {
    out[2 * i] = static_cast<uint32_t>(pairs[i]);
    out[2 * i + 1] = static_cast<uint32_t>(pairs[i] >> 32);
  }
}

}  // namespace
}  // namespace striate::cpu
