// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), for any U
// of 64-bit lanes that each hold one 32-bit word: multiply_words(a, b) gives the 64-bit products.
#pragma once

#include <cstdint>

#include "core/formula/inline.h"

namespace striate::formula {
namespace {

struct PhiloxKey {
  uint32_t word[2];
};

inline PhiloxKey philox_key(uint64_t seed) {
  return {{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)}};
}

// Replaces the four words of each counter, least significant first, by four random ones.
template <class U>
STRIATE_FORMULA void philox(PhiloxKey key, U (&word)[4]) {
  const U low = U::set(0xFFFFFFFFu);
  for (int round = 0; round < 10; ++round) {
    const U p0 = multiply_words(word[0], U::set(0xD2511F53u));
    const U p1 = multiply_words(word[2], U::set(0xCD9E8D57u));
    word[0] = shift_right(p1, 32) ^ word[1] ^ U::set(key.word[0]);
    word[2] = shift_right(p0, 32) ^ word[3] ^ U::set(key.word[1]);
    word[1] = p1 & low;
    word[3] = p0 & low;
    key.word[0] += 0x9E3779B9u;
    key.word[1] += 0xBB67AE85u;
  }
}

}  // namespace
}  // namespace striate::formula
