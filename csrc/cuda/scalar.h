// A number with the operators that the formulas use of simd.h's vectors.
#pragma once

#define STRIATE_DEVICE __host__ __device__ __forceinline__

namespace striate::cuda {
namespace {

template <class T>
struct Scalar {
  T value;
  static STRIATE_DEVICE Scalar set(T x) { return {x}; }
  static STRIATE_DEVICE Scalar zero() { return {T(0)}; }
};

template <class T>
STRIATE_DEVICE Scalar<T> operator+(Scalar<T> a, Scalar<T> b) {
  return {a.value + b.value};
}
template <class T>
STRIATE_DEVICE Scalar<T> operator-(Scalar<T> a, Scalar<T> b) {
  return {a.value - b.value};
}
template <class T>
STRIATE_DEVICE Scalar<T> operator*(Scalar<T> a, Scalar<T> b) {
  return {a.value * b.value};
}
template <class T>
STRIATE_DEVICE Scalar<T> operator-(Scalar<T> a) {
  return {-a.value};
}
template <class T>
STRIATE_DEVICE bool operator<(Scalar<T> a, Scalar<T> b) {
  return a.value < b.value;
}
template <class T>
STRIATE_DEVICE bool operator>(Scalar<T> a, Scalar<T> b) {
  return a.value > b.value;
}
template <class T>
STRIATE_DEVICE Scalar<T> select(bool mask, Scalar<T> a, Scalar<T> b) {
  return mask ? a : b;
}
STRIATE_DEVICE Scalar<float> fma(Scalar<float> a, Scalar<float> b, Scalar<float> c) {
  return {fmaf(a.value, b.value, c.value)};
}
STRIATE_DEVICE Scalar<double> fma(Scalar<double> a, Scalar<double> b, Scalar<double> c) {
  return {::fma(a.value, b.value, c.value)};
}

}  // namespace
}  // namespace striate::cuda
