// The patch of the source that shifted pixels are read from; see ConvPatch.
#pragma once

#include "cpu/conv/pixel_panels.h"

namespace striate::cpu {
namespace {

// One row of the patch: every `stride`-th column of a row of the source from `part` on, with its
// padding. `row` is null where there is none. What lies `ahead` elements later is asked for: the
// next channel's row, which the processor cannot guess.
template <class T>
STRIATE_INLINE void copy_patch_row(const ImplicitGemmPlan& plan, const T* row, const T* mask,
                                   int64_t part, int64_t ahead, T* out) {
  const ConvPatch& patch = plan.patch;
  const int64_t pitch = patch.extent[2], stride = patch.parts[2];
  const int64_t begin = -patch.lowest[2];
  const int64_t columns = part < plan.first.src[2] ? ceil_div(plan.first.src[2] - part, stride) : 0;
  const int64_t end = row == nullptr ? begin : least(pitch, begin + columns);
  for_each_vector<T>(0, begin, [&](int64_t i, int n) { Vec<T>::zero().store(out + i, n); });
  for_each_vector<T>(begin, end, [&](int64_t i, int n) {
    const int64_t from = part + (i - begin) * stride;
    const auto load = [&](const T* p) {
      return stride == 1 && n == Vec<T>::lanes ? Vec<T>::load(p)
                                               : Vec<T>::load_strided(p, stride, n);
    };
    __builtin_prefetch(row + from + ahead);
    Vec<T> v = load(row + from);
    if (mask != nullptr) v = formula::relu_grad(v, load(mask + from));
    if (n == Vec<T>::lanes)
      v.store(out + i);
    else
      v.store(out + i, n);
  });
  for_each_vector<T>(end, pitch, [&](int64_t i, int n) { Vec<T>::zero().store(out + i, n); });
}

// The patch of `channels` channels around rows from `row` on at this depth of the grid.
template <class T>
void copy_patch(const ImplicitGemmPlan& plan, int64_t channels, int64_t depth, int64_t row,
                const T* src, const T* mask, T* out) {
  const ConvPatch& patch = plan.patch;
  const ImplicitGemm& g = plan.first;
  const int64_t plane = g.src[0] * g.src[1] * g.src[2];
  const int64_t corner[2] = {depth + patch.lowest[0], row + patch.lowest[1]};
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t part = 0; part < patch.parts[0] * patch.parts[1] * patch.parts[2]; ++part) {
      const int64_t part2 = part % patch.parts[2], part1 = part / patch.parts[2] % patch.parts[1],
                    part0 = part / patch.parts[2] / patch.parts[1];
      for (int64_t d = 0; d < patch.extent[0]; ++d) {
        const int64_t at0 = (corner[0] + d) * patch.parts[0] + part0;
        for (int64_t r = 0; r < patch.extent[1]; ++r, out += patch.extent[2]) {
          const int64_t at1 = (corner[1] + r) * patch.parts[1] + part1;
          const bool inside = at0 >= 0 && at0 < g.src[0] && at1 >= 0 && at1 < g.src[1];
          const int64_t start = c * plane + (at0 * g.src[1] + at1) * g.src[2];
          copy_patch_row(plan, inside ? src + start : nullptr,
                         inside && mask != nullptr ? mask + start : nullptr, part2, plane, out);
        }
      }
    }
  }
  // Lanes beyond the last row are computed, though never written: no stray denormals there.
  const int64_t rest = kTileColumns<T> + patch.extent[2];
  for_each_vector<T>(0, rest, [&](int64_t i, int n) { Vec<T>::zero().store(out + i, n); });
}

// From a pixel of the patch to what each step of the block's depth sees, [channel][tap].
STRIATE_INLINE void find_distances(const ImplicitGemmPlan& plan, const ImplicitGemm& g,
                                   const DepthBlock& block, int32_t* distances) {
  const int64_t size = plan.patch.channel_size();
  for (int64_t t = 0; t < block.taps; ++t) {
    const Tap tap = tap_at(g, block.first_tap + t);
    int64_t offset[kSpatial];
    for (int i = 0; i < kSpatial; ++i) offset[i] = g.tap_offset[i] + tap.at[i] * g.tap_step[i];
    const int64_t distance = plan.patch.distance(offset);
    for (int64_t c = 0; c < block.channels; ++c)
      distances[c * block.taps + t] = static_cast<int32_t>(c * size + distance);
  }
}

}  // namespace
}  // namespace striate::cpu
