// Asking for memory early: what a task reads and writes next, a share at a time, while it computes.
// Planes that are computed within a microsecond are over before the processor has seen a pattern.
#pragma once

#include "core/integer.h"
#include "cpu/simd.h"

namespace striate::cpu {
namespace {

template <class T>
class Ahead {
 public:
  Ahead() = default;
  // Elements that are read, and that are written: `steps` calls of next() ask for all of them.
  Ahead(const T* src, int64_t src_size, const T* dst, int64_t dst_size, int64_t steps)
      : at_{src, dst},
        end_{src + src_size, dst + dst_size},
        share_{ceil_div(src_size, kLine * steps), ceil_div(dst_size, kLine * steps)} {}

  STRIATE_INLINE bool asks() const { return share_[0] > 0; }
  STRIATE_INLINE void next() {
    for (int i = 0; i < 2; ++i)
      for (int64_t k = 0; k < share_[i] && at_[i] < end_[i]; ++k, at_[i] += kLine)
        __builtin_prefetch(at_[i], 0, 2);
  }

 private:
  static constexpr int64_t kLine = 64 / sizeof(T);
  const T* at_[2] = {};
  const T* end_[2] = {};
  int64_t share_[2] = {};
};

}  // namespace
}  // namespace striate::cpu
