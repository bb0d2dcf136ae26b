// Random words: element i has word i % 4 of Philox's counter offset + i / 4.
#pragma once

#include "core/formula/philox.h"
#include "cuda/lane.h"

namespace striate::cuda {
namespace {

// A 64-bit lane that holds one word, as simd.h's VecU64.
struct Word {
  uint64_t value;
  static STRIATE_DEVICE Word set(uint64_t x) { return {x}; }
};
STRIATE_DEVICE Word operator^(Word a, Word b) { return {a.value ^ b.value}; }
STRIATE_DEVICE Word operator&(Word a, Word b) { return {a.value & b.value}; }
STRIATE_DEVICE Word shift_right(Word a, int bits) { return {a.value >> bits}; }
STRIATE_DEVICE Word multiply_words(Word a, Word b) {
  return {static_cast<uint64_t>(static_cast<uint32_t>(a.value)) * static_cast<uint32_t>(b.value)};
}

struct RandomWords {
  uint32_t at[4];
  // at[n], where n is only known when it runs: an array would go to memory for that.
  STRIATE_DEVICE uint32_t word(int64_t n) const {
    return n < 2 ? (n == 0 ? at[0] : at[1]) : (n == 2 ? at[2] : at[3]);
  }
};

STRIATE_DEVICE RandomWords random_words(formula::PhiloxKey key, uint64_t counter) {
  Word word[4] = {{counter & 0xFFFFFFFFu}, {counter >> 32}, {0}, {0}};
  formula::philox(key, word);
  return {{static_cast<uint32_t>(word[0].value), static_cast<uint32_t>(word[1].value),
           static_cast<uint32_t>(word[2].value), static_cast<uint32_t>(word[3].value)}};
}

}  // namespace
}  // namespace striate::cuda
