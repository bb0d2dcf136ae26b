// Loops that keep several loads under way.
#pragma once

#include "cuda/lane.h"

namespace striate::cuda {
namespace {

// use(place, load(place)) for `count` places, which next() gives one after the other; some are
// loaded before the first of them is used.
template <class Next, class Load, class Use>
STRIATE_DEVICE void read_ahead(int64_t count, Next next, const Load& load, const Use& use) {
  constexpr int kTogether = 8;
  STRIATE_UNROLL_BY(1)
  for (; count > 0; count -= kTogether) {
    decltype(next()) place[kTogether] = {};
    decltype(load(next())) value[kTogether] = {};
    STRIATE_UNROLL
    for (int k = 0; k < kTogether; ++k)
      if (k < count) value[k] = load(place[k] = next());
    STRIATE_UNROLL
    for (int k = 0; k < kTogether; ++k)
      if (k < count) use(place[k], value[k]);
  }
}

// Offsets of elements that lie `step` apart.
struct Steps {
  int64_t at, step;
  STRIATE_DEVICE int64_t operator()() {
    const int64_t own = at;
    at += step;
    return own;
  }
};

// Offsets of rows of `columns` elements that lie `step` apart, from one row to the next row_step.
class Rows {
 public:
  STRIATE_DEVICE Rows(int64_t first, int64_t columns, int64_t step, int64_t row_step)
      : at_(first), columns_(columns), step_(step), wrap_(row_step - columns * step) {}
  STRIATE_DEVICE int64_t operator()() {
    const int64_t own = at_;
    at_ += step_;
    if (++column_ == columns_) {
      column_ = 0;
      at_ += wrap_;
    }
    return own;
  }

 private:
  int64_t at_, columns_, step_, wrap_, column_ = 0;
};

}  // namespace
}  // namespace striate::cuda
