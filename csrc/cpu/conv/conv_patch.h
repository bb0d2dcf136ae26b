// The patch of the source that shifted pixels are read from; see ConvPatch.
#pragma once

#include "core/plan/conv_patch.h"
#include "cpu/conv/pixel_panels.h"
#include "cpu/simd/interleave.h"

namespace striate::cpu {
namespace {

// `parts` times as many columns of a row of the source as a vector has lanes, from `row` on, parted
// by their remainders: of each of them part[k]. Reads `length` values at most; the rest is zero.
template <class T, int parts>
STRIATE_INLINE void load_parted(const T* row, int64_t length, Vec<T> (&part)[parts]) {
  constexpr int lanes = Vec<T>::lanes;
  Vec<T> v[parts];
#pragma GCC unroll 4
  for (int k = 0; k < parts; ++k)
    v[k] = Vec<T>::load(row + k * lanes,
                        static_cast<int>(greatest(0, least(lanes, length - k * lanes))));
  if constexpr (parts == 2) {
    part[0] = take_even(v[0], v[1]);
    part[1] = take_odd(v[0], v[1]);
  } else if constexpr (parts == 4) {
    const Vec<T> even[2] = {take_even(v[0], v[1]), take_even(v[2], v[3])};
    const Vec<T> odd[2] = {take_odd(v[0], v[1]), take_odd(v[2], v[3])};
    part[0] = take_even(even[0], even[1]);
    part[1] = take_even(odd[0], odd[1]);
    part[2] = take_odd(even[0], even[1]);
    part[3] = take_odd(odd[0], odd[1]);
  } else {
    part[0] = v[0];
  }
}

// One row of each part of the patch, `part_size` apart: a row of the source with its padding, its
// columns parted by their remainders. `row` is null where there is none. What lies `ahead` elements
// later is asked for: the next channel's row, which the processor cannot guess.
template <class T, int parts>
STRIATE_INLINE void copy_patch_row(const ConvPatch& patch, int64_t columns, const T* row,
                                   const T* mask, int64_t ahead, T* out) {
  constexpr int lanes = Vec<T>::lanes;
  const int64_t pitch = patch.extent[2], part_size = patch.part_size();
  const int64_t begin = -patch.lowest[2], length = row == nullptr ? 0 : columns;
  for (int64_t i = 0; i < begin; i += lanes)
    for (int k = 0; k < parts; ++k)
      Vec<T>::zero().store(out + k * part_size + i, static_cast<int>(least(lanes, begin - i)));
  // Lanes beyond the row are zero: padding.
  for (int64_t i = begin; i < pitch; i += lanes) {
    const int64_t from = (i - begin) * parts;
    Vec<T> v[parts];
    if (from < length) {
      for (int k = 0; k < parts; ++k) __builtin_prefetch(row + from + k * lanes + ahead);
      load_parted<T, parts>(row + from, length - from, v);
      if (mask != nullptr) {
        Vec<T> y[parts];
        load_parted<T, parts>(mask + from, length - from, y);
#pragma GCC unroll 4
        for (int k = 0; k < parts; ++k) v[k] = formula::relu_grad(v[k], y[k]);
      }
    } else {
#pragma GCC unroll 4
      for (int k = 0; k < parts; ++k) v[k] = Vec<T>::zero();
    }
#pragma GCC unroll 4
    for (int k = 0; k < parts; ++k) {
      if (i + lanes <= pitch)
        v[k].store(out + k * part_size + i);
      else
        v[k].store(out + k * part_size + i, static_cast<int>(pitch - i));
    }
  }
}

// The same for any number of parts, one of them: every `stride`-th column from `part` on.
template <class T>
STRIATE_INLINE void copy_patch_part(const ConvPatch& patch, int64_t length, const T* row,
                                    const T* mask, int64_t part, int64_t ahead, T* out) {
  const int64_t pitch = patch.extent[2], stride = patch.parts[2];
  const int64_t begin = -patch.lowest[2];
  const int64_t columns = part < length ? ceil_div(length - part, stride) : 0;
  const int64_t end = row == nullptr ? begin : least(pitch, begin + columns);
  for_each_vector<T>(0, begin, [&](int64_t i, int n) { Vec<T>::zero().store(out + i, n); });
  for_each_vector<T>(begin, end, [&](int64_t i, int n) {
    const int64_t from = part + (i - begin) * stride;
    __builtin_prefetch(row + from + ahead);
    Vec<T> v = Vec<T>::load_strided(row + from, stride, n);
    if (mask != nullptr) v = formula::relu_grad(v, Vec<T>::load_strided(mask + from, stride, n));
    v.store(out + i, n);
  });
  for_each_vector<T>(end, pitch, [&](int64_t i, int n) { Vec<T>::zero().store(out + i, n); });
}

// The patch of `channels` channels around rows from `row` on at this depth of the grid.
template <class T>
void copy_patch(const ConvPatch& patch, const ImplicitGemm& g, int64_t channels, int64_t depth,
                int64_t row, const T* src, const T* mask, T* out) {
  const int64_t plane = g.src[0] * g.src[1] * g.src[2];
  const int64_t corner[2] = {depth + patch.lowest[0], row + patch.lowest[1]};
  const int64_t part_size = patch.part_size(), parts = patch.parts[2];
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t part = 0; part < patch.parts[0] * patch.parts[1];
         ++part, out += parts * part_size) {
      const int64_t part1 = part % patch.parts[1], part0 = part / patch.parts[1];
      T* to = out;
      for (int64_t d = 0; d < patch.extent[0]; ++d) {
        const int64_t at0 = (corner[0] + d) * patch.parts[0] + part0;
        for (int64_t r = 0; r < patch.extent[1]; ++r, to += patch.extent[2]) {
          const int64_t at1 = (corner[1] + r) * patch.parts[1] + part1;
          const bool inside = at0 >= 0 && at0 < g.src[0] && at1 >= 0 && at1 < g.src[1];
          const int64_t start = c * plane + (at0 * g.src[1] + at1) * g.src[2];
          const T* from = inside ? src + start : nullptr;
          const T* where = inside && mask != nullptr ? mask + start : nullptr;
          if (parts == 1) {
            copy_patch_row<T, 1>(patch, g.src[2], from, where, plane, to);
          } else if (parts == 2) {
            copy_patch_row<T, 2>(patch, g.src[2], from, where, plane, to);
          } else if (parts == 4) {
            copy_patch_row<T, 4>(patch, g.src[2], from, where, plane, to);
          } else {
            for (int64_t k = 0; k < parts; ++k)
              copy_patch_part(patch, g.src[2], from, where, k, plane, to + k * part_size);
          }
        }
      }
    }
  }
  // Lanes beyond the last row are computed, though never written: no stray denormals there.
  const int64_t rest = kTileColumns<T> + patch.extent[2];
  for_each_vector<T>(0, rest, [&](int64_t i, int n) { Vec<T>::zero().store(out + i, n); });
}

// From a pixel of the patch to what each step of the block's depth sees, [channel][tap].
STRIATE_INLINE void find_distances(const ConvPatch& patch, const ImplicitGemm& g,
                                   const DepthBlock& block, int32_t* distances) {
  const int64_t size = patch.channel_size();
  for (int64_t t = 0; t < block.taps; ++t) {
    const Tap tap = tap_at(g, block.first_tap + t);
    int64_t offset[kSpatial];
    for (int i = 0; i < kSpatial; ++i) offset[i] = g.tap_offset[i] + tap.at[i] * g.tap_step[i];
    const int64_t distance = patch.distance(offset);
    for (int64_t c = 0; c < block.channels; ++c)
      distances[c * block.taps + t] = static_cast<int32_t>(c * size + distance);
  }
}

}  // namespace
}  // namespace striate::cpu
