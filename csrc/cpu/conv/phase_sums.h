// Writing the phases of a strided result, which are summed up apart, next to each other.
#pragma once

#include "cpu/conv/pixel_panels.h"

namespace striate::cpu {
namespace {

// Sums of one task, [phase][row][lane of the block].
template <class T>
struct Sums {
  T* data;
  int64_t lanes;       // of the block
  int64_t phase_rows;  // of one phase
  const T* at(int64_t phase, int64_t row) const {
    return data + (phase * phase_rows + row) * lanes;
  }
};

// Where phases of one column remainder belong: pixels from `to` on, `stride` apart.
template <class T>
STRIATE_INLINE void spread(const T* from, int64_t stride, int64_t count, T* to) {
  for (int64_t i = 0; i < count; ++i) to[i * stride] = from[i];
}

// Alternately from two phases; `count` pixels in all.
template <class T>
STRIATE_INLINE void alternate(const T* even, const T* odd, int64_t count, T* to) {
  constexpr int lanes = Vec<T>::lanes;
  int64_t i = 0;
  for (; 2 * (i + lanes) <= count; i += lanes)
    store_alternating(Vec<T>::load(even + i), Vec<T>::load(odd + i), to + 2 * i);
  for (; 2 * i < count; ++i) {
    to[2 * i] = even[i];
    if (2 * i + 1 < count) to[2 * i + 1] = odd[i];
  }
}

// Up to two phases that are written together, since their columns alternate: what they need.
struct PhasePair {
  int64_t first, second;  // second: -1 where it is alone
  int64_t offset[kSpatial];
};

STRIATE_INLINE PhasePair pair_from(const ImplicitGemmPlan& plan, int64_t phase) {
  PhasePair pair{phase, -1, {}};
  plan.phase_offset(phase, pair.offset);
  if (plan.first.dst_stride[2] != 2 || phase + 1 == plan.phases) return pair;
  int64_t next[kSpatial];
  plan.phase_offset(phase + 1, next);
  if (next[0] != pair.offset[0] || next[1] != pair.offset[1]) return pair;
  pair.second = phase + 1;
  if (next[2] < pair.offset[2]) {
    pair.first = phase + 1;
    pair.second = phase;
  }
  pair.offset[2] = 0;
  return pair;
}

// All phases of `rows` rows of a group from `first_row` on.
template <class T>
void write_phases(const ImplicitGemmPlan& plan, const Sums<T>& sums, const Panel<T>* panels,
                  int64_t count, int64_t group, int64_t first_row, int64_t rows, T* dst) {
  const ImplicitGemm& g = plan.first;
  const int64_t plane = g.dst[0] * g.dst[1] * g.dst[2];
  const int64_t channels = plan.problem.in_channels / plan.problem.groups;
  const int64_t stride = g.dst_stride[2];
  const auto write = [&](const PhasePair& pair, int64_t row, const Panel<T>& panel,
                         const Run& run) {
    int64_t at[kSpatial];
    for (int i = 0; i < kSpatial; ++i) at[i] = run.at[i] * g.dst_stride[i] + pair.offset[i];
    if (at[0] >= g.dst[0] || at[1] >= g.dst[1] || at[2] >= g.dst[2]) return;
    const int64_t lane = panel.sums + run.lane;
    T* to = dst +
            ((run.sample * plan.problem.groups + group) * channels + first_row + row) * plane +
            (at[0] * g.dst[1] + at[1]) * g.dst[2] + at[2];
    const int64_t left = g.dst[2] - at[2];
    const T* from = sums.at(pair.first, row) + lane;
    if (pair.second >= 0)
      alternate(from, sums.at(pair.second, row) + lane, least(2 * run.length, left), to);
    else
      spread(from, stride, least(run.length, ceil_div(left, stride)), to);
  };
  constexpr int64_t kTogether = 16;  // phases that are written before the next row
  for (int64_t begin = 0; begin < plan.phases;) {
    PhasePair pairs[kTogether];
    int64_t found = 0;
    for (; found < kTogether && begin < plan.phases; ++found) {
      pairs[found] = pair_from(plan, begin);
      begin += pairs[found].second < 0 ? 1 : 2;
    }
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t p = 0; p < count; ++p)
        for (int64_t r = 0; r < panels[p].runs; ++r)
          for (int64_t i = 0; i < found; ++i) write(pairs[i], row, panels[p], panels[p].run[r]);
  }
}

}  // namespace
}  // namespace striate::cpu
