// Integers beside the lanes of a Vec<T>.
#pragma once

#include "cpu/simd/mask.h"

namespace striate::cpu {
namespace {

// Counters beside the lanes of a Vec<T>: unsigned, so that unused lanes may wrap around.
template <class T>
struct Counts {
  static constexpr int lanes = Vec<T>::lanes;
  using Lane = typename LaneUintOf<T>::type;

  Raw<Lane> raw;

  static STRIATE_INLINE Counts set(int64_t x) { return {static_cast<Lane>(x) - Raw<Lane>{}}; }
  // 0, step, 2 * step, ...
  static STRIATE_INLINE Counts steps(int64_t step) {
    Counts c{};
    for (int i = 0; i < lanes; ++i) c.raw[i] = static_cast<Lane>(i * static_cast<uint64_t>(step));
    return c;
  }
  // The first n lanes, each as an Index.
  template <class Index>
  STRIATE_INLINE void store(Index* p, int n) const {
    typedef Index Narrow __attribute__((vector_size(lanes * sizeof(Index))));
    const Narrow narrow = __builtin_convertvector(raw, Narrow);
    if (n == lanes) {
      __builtin_memcpy(p, &narrow, sizeof narrow);
    } else if constexpr (sizeof(Index) == sizeof(T)) {
      Vec<T>{(Raw<T>)raw}.store(reinterpret_cast<T*>(p), n);
    } else {
      for (int i = 0; i < lanes; ++i)
        if (i < n) p[i] = narrow[i];
    }
  }
};

template <class T>
STRIATE_INLINE Counts<T> operator+(Counts<T> a, Counts<T> b) {
  return {a.raw + b.raw};
}
template <class T>
STRIATE_INLINE Counts<T> select(Mask<T> mask, Counts<T> a, Counts<T> b) {
  return {mask.raw ? a.raw : b.raw};
}

}  // namespace
}  // namespace striate::cpu
