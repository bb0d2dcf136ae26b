// Planes of several groups as the lanes of vectors, one vector for each pixel, and back.
#pragma once

#include "core/formula/activation.h"
#include "core/plan/group_lanes.h"
#include "cpu/parallel.h"
#include "cpu/quads.h"

namespace striate::cpu {
namespace {

// Where the planes of a block's groups begin; lanes beyond the last group repeat the first.
template <class T>
struct LanePlanes {
  int64_t offset[Vec<T>::lanes];
  int live;

  LanePlanes(int64_t block, int64_t groups, int64_t step) {
    constexpr int lanes = Vec<T>::lanes;
    const int64_t left = groups - block * lanes;
    live = static_cast<int>(left < lanes ? left : lanes);
    for (int l = 0; l < lanes; ++l) offset[l] = (block * lanes + (l < live ? l : 0)) * step;
  }
};

template <class T>
STRIATE_INLINE Vec<T> load_pixel(const LanePlanes<T>& planes, const T* from) {
  Vec<T> v = Vec<T>::zero();
  for (int l = 0; l < Vec<T>::lanes; ++l) v.raw[l] = from[planes.offset[l]];
  return v;
}

// Four consecutive pixels.
template <class T>
STRIATE_INLINE void load_pixels(const LanePlanes<T>& planes, const T* from, Vec<T> (&v)[4]) {
  if constexpr (sizeof(T) == 4) {
    load_rows(from, planes.offset, v);
    transpose_quads(v);
  } else {
    for (int i = 0; i < 4; ++i) v[i] = load_pixel(planes, from + i);
  }
}

// Rows [rows.first, rows.end) and columns [columns.first, columns.end) of the planes at src, zeros
// outside them, one vector a pixel; masked by an activation's output if there is one.
template <class T>
STRIATE_INLINE void stage_planes(const LanePlanes<T>& planes, const int64_t (&size)[2],
                                 const T* src, const T* mask, Reach rows, Reach columns, T* out) {
  constexpr int lanes = Vec<T>::lanes;
  const int64_t pitch = columns.size() * lanes;
  const int64_t begin = rows.first > 0 ? rows.first : 0;
  const int64_t end = rows.end < size[0] ? rows.end : size[0];
  const auto clear = [](T* from, int64_t elements) {
    __builtin_memset(from, 0, static_cast<size_t>(elements) * sizeof(T));
  };
  for (int64_t r = rows.first; r < rows.end; ++r) {
    T* row = out + (r - rows.first) * pitch;
    if (r < begin || r >= end || size[1] == 0) {
      clear(row, pitch);
      continue;
    }
    clear(row, -columns.first * lanes);
    clear(row + (size[1] - columns.first) * lanes, (columns.end - size[1]) * lanes);
  }
  const int64_t stop = end * size[1];
  int64_t column = 0;
  T* to = out + (begin - rows.first) * pitch - columns.first * lanes;
  const auto put = [&](Vec<T> v) {
    v.store(to + column * lanes);
    if (++column == size[1]) {
      column = 0;
      to += pitch;
    }
  };
  int64_t p = begin * size[1];
  for (; p + 4 <= stop; p += 4) {
    Vec<T> v[4], y[4];
    load_pixels(planes, src + p, v);
    if (mask != nullptr) {
      load_pixels(planes, mask + p, y);
      for (int i = 0; i < 4; ++i) v[i] = formula::relu_grad(v[i], y[i]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) put(v[i]);
  }
  if (p < stop && stop - 4 >= begin * size[1]) {  // the last four, some of them again
    Vec<T> v[4], y[4];
    load_pixels(planes, src + stop - 4, v);
    if (mask != nullptr) load_pixels(planes, mask + stop - 4, y);
    for (int64_t i = p - (stop - 4); i < 4; ++i)
      put(mask == nullptr ? v[i] : formula::relu_grad(v[i], y[i]));
    return;
  }
  for (; p < stop; ++p) {
    const Vec<T> v = load_pixel(planes, src + p);
    put(mask == nullptr ? v : formula::relu_grad(v, load_pixel(planes, mask + p)));
  }
}

// `count` consecutive pixels of the planes at dst.
template <class T>
STRIATE_INLINE void store_planes(const LanePlanes<T>& planes, const T* from, int64_t count,
                                 T* dst) {
  constexpr int lanes = Vec<T>::lanes;
  int64_t p = 0;
  if constexpr (sizeof(T) == 4) {
    for (; p < count && count >= 4; p += 4) {
      p = least(p, count - 4);  // the last four, some of them again
      Vec<T> v[4];
      for (int i = 0; i < 4; ++i) v[i] = Vec<T>::load(from + (p + i) * lanes);
      transpose_quads(v);
      store_rows(v, planes.live, 4, [&](int l) { return dst + planes.offset[l] + p; });
    }
  }
  for (; p < count; ++p)
    for (int l = 0; l < planes.live; ++l) dst[planes.offset[l] + p] = from[p * lanes + l];
}

}  // namespace
}  // namespace striate::cpu
