// One number with the operators that the formulas use of simd.h's vectors, and 16 bytes of them.
#pragma once

#include <cuda_runtime.h>

#include <cmath>
#include <cstdint>

#include "core/formula/inline.h"

#define STRIATE_DEVICE __host__ __device__ __forceinline__
#if defined(__CUDA_ARCH__)
#define STRIATE_UNROLL _Pragma("unroll")
#define STRIATE_PRAGMA(text) _Pragma(#text)
#define STRIATE_UNROLL_BY(count) STRIATE_PRAGMA(unroll count)
#else
#define STRIATE_UNROLL
#define STRIATE_UNROLL_BY(count)
#endif

namespace striate::cuda {
namespace {

struct LaneMask {
  bool value;
  STRIATE_DEVICE LaneMask(bool holds) : value(holds) {}
};
STRIATE_DEVICE LaneMask operator~(LaneMask a) { return {!a.value}; }
STRIATE_DEVICE LaneMask operator&(LaneMask a, LaneMask b) { return {a.value && b.value}; }
STRIATE_DEVICE LaneMask operator|(LaneMask a, LaneMask b) { return {a.value || b.value}; }

template <class T>
struct Lane {
  static constexpr bool fused = true;  // whether fma rounds once
  using Scalar = T;
  T value;
  static STRIATE_DEVICE Lane set(T x) { return {x}; }
  static STRIATE_DEVICE Lane zero() { return {T(0)}; }
};

template <class T>
STRIATE_DEVICE Lane<T> operator+(Lane<T> a, Lane<T> b) {
  return {a.value + b.value};
}
template <class T>
STRIATE_DEVICE Lane<T> operator-(Lane<T> a, Lane<T> b) {
  return {a.value - b.value};
}
template <class T>
STRIATE_DEVICE Lane<T> operator*(Lane<T> a, Lane<T> b) {
  return {a.value * b.value};
}
template <class T>
STRIATE_DEVICE Lane<T> operator/(Lane<T> a, Lane<T> b) {
  return {a.value / b.value};
}
template <class T>
STRIATE_DEVICE Lane<T> operator-(Lane<T> a) {
  return {-a.value};
}
template <class T>
STRIATE_DEVICE LaneMask operator<(Lane<T> a, Lane<T> b) {
  return {a.value < b.value};
}
template <class T>
STRIATE_DEVICE LaneMask operator<=(Lane<T> a, Lane<T> b) {
  return {a.value <= b.value};
}
template <class T>
STRIATE_DEVICE LaneMask operator>(Lane<T> a, Lane<T> b) {
  return {a.value > b.value};
}
template <class T>
STRIATE_DEVICE LaneMask operator==(Lane<T> a, Lane<T> b) {
  return {a.value == b.value};
}
template <class T>
STRIATE_DEVICE Lane<T> select(LaneMask mask, Lane<T> a, Lane<T> b) {
  return mask.value ? a : b;
}
// b where either is NaN, as simd.h has it; fmax would drop the NaN.
template <class T>
STRIATE_DEVICE Lane<T> max(Lane<T> a, Lane<T> b) {
  return a.value > b.value ? a : b;
}
template <class T>
STRIATE_DEVICE Lane<T> min(Lane<T> a, Lane<T> b) {
  return a.value < b.value ? a : b;
}
STRIATE_DEVICE Lane<float> fma(Lane<float> a, Lane<float> b, Lane<float> c) {
  return {::fmaf(a.value, b.value, c.value)};
}
STRIATE_DEVICE Lane<double> fma(Lane<double> a, Lane<double> b, Lane<double> c) {
  return {::fma(a.value, b.value, c.value)};
}
STRIATE_DEVICE Lane<float> sqrt(Lane<float> a) { return {::sqrtf(a.value)}; }
STRIATE_DEVICE Lane<double> sqrt(Lane<double> a) { return {::sqrt(a.value)}; }

// The integer as wide as a T, and how a T's bits are laid out.
template <class T>
struct Bits;
template <>
struct Bits<float> {
  using Uint = uint32_t;
  static constexpr int fraction = 23;
  static constexpr Uint one = 0x3f800000u, root = 0x3f3504f3u;  // 1, sqrt(1/2)
  static constexpr int bias = 127;
};
template <>
struct Bits<double> {
  using Uint = uint64_t;
  static constexpr int fraction = 52;
  static constexpr Uint one = 0x3ff0000000000000ull, root = 0x3fe6a09e667f3bcdull;
  static constexpr int bias = 1023;
};

template <class To, class From>
STRIATE_DEVICE To bit_cast(From from) {
  static_assert(sizeof(To) == sizeof(From), "the same bits");
  To to;
  memcpy(&to, &from, sizeof to);
  return to;
}

// x * 2^n, rounded once, for an integral n at most twice as far from 0 as a normal number's.
template <class T>
STRIATE_DEVICE Lane<T> ldexp(Lane<T> x, Lane<T> n) {
  using B = Bits<T>;
  const int exponent = static_cast<int>(n.value), half = exponent / 2;
  const auto pow2 = [](int e) {
    return bit_cast<T>(static_cast<typename B::Uint>(e + B::bias) << B::fraction);
  };
  return {x.value * pow2(half) * pow2(exponent - half)};
}

// m in [sqrt(1/2), sqrt(2)) with x = m * 2^exponent, for x positive and normal.
template <class T>
STRIATE_DEVICE Lane<T> split_exponent(Lane<T> x, Lane<T>* exponent) {
  using B = Bits<T>;
  const typename B::Uint bits = bit_cast<typename B::Uint>(x.value) + (B::one - B::root);
  exponent->value = static_cast<T>(static_cast<int>(bits >> B::fraction) - B::bias);
  const typename B::Uint rest = bits & ((typename B::Uint{1} << B::fraction) - 1);
  return {bit_cast<T>(rest + B::root)};
}

// What one access to memory moves.
template <class T>
struct alignas(16) Pack {
  static constexpr int size = 16 / static_cast<int>(sizeof(T));
  T at[size];
};

template <class T>
STRIATE_DEVICE bool is_aligned(const T* p) {
  return reinterpret_cast<uintptr_t>(p) % sizeof(Pack<T>) == 0;
}

// p[0] to p[n - 1], the others 0. `whole` says that n is all of them, and p aligned.
template <class T>
STRIATE_DEVICE Pack<T> load_pack(const T* p, int64_t n, bool whole) {
  if (whole) return *reinterpret_cast<const Pack<T>*>(p);
  Pack<T> pack{};
  STRIATE_UNROLL
  for (int k = 0; k < Pack<T>::size; ++k)
    if (k < n) pack.at[k] = p[k];
  return pack;
}

template <class T>
STRIATE_DEVICE void store_pack(T* p, const Pack<T>& pack, int64_t n, bool whole) {
  if (whole) {
    *reinterpret_cast<Pack<T>*>(p) = pack;
    return;
  }
  STRIATE_UNROLL
  for (int k = 0; k < Pack<T>::size; ++k)
    if (k < n) p[k] = pack.at[k];
}

// What begins at p: an aligned or unaligned pack, or one element.
template <int kRun, class T>
STRIATE_DEVICE void load_run(const T* p, bool aligned, T (&run)[kRun]) {
  static_assert(kRun == 1 || kRun == Pack<T>::size, "one element or a pack");
  if constexpr (kRun == 1) {
    run[0] = *p;
  } else {
    const Pack<T> pack = load_pack(p, kRun, aligned);
    STRIATE_UNROLL
    for (int k = 0; k < kRun; ++k) run[k] = pack.at[k];
  }
}

template <int kRun, class T>
STRIATE_DEVICE void store_run(T* p, bool aligned, const T (&run)[kRun]) {
  static_assert(kRun == 1 || kRun == Pack<T>::size, "one element or a pack");
  if constexpr (kRun == 1) {
    *p = run[0];
  } else {
    Pack<T> pack;
    STRIATE_UNROLL
    for (int k = 0; k < kRun; ++k) pack.at[k] = run[k];
    store_pack(p, pack, kRun, aligned);
  }
}

}  // namespace
}  // namespace striate::cuda
