// Index maps: where an element lies, without 64-bit divisions, which cost more than its loads.
#pragma once

#include "cuda/lane.h"

namespace striate::cuda {
namespace {

// Division by a number that all threads share (Granlund and Montgomery, "Division by invariant
// integers using multiplication", 1994): a multiplication where dividends are below 2^31, else a
// 64-bit division.
class Divisor {
 public:
  Divisor() = default;
  // `greatest` is the largest dividend.
  Divisor(int64_t divisor, int64_t greatest)
      : divisor_(divisor > 0 ? divisor : 1),
        narrow_(greatest <= INT32_MAX),
        multiplier_(0),
        shift_(0) {
    if (divisor_ > INT32_MAX) divisor_narrow_ = 0;  // every narrow dividend is smaller
    if (!narrow_ || divisor_ > INT32_MAX) return;
    const uint64_t d = static_cast<uint64_t>(divisor_);
    while ((uint64_t{1} << shift_) < d) ++shift_;
    multiplier_ =
        static_cast<uint32_t>(((uint64_t{1} << 32) * ((uint64_t{1} << shift_) - d)) / d + 1);
    divisor_narrow_ = static_cast<uint32_t>(divisor_);
  }
  STRIATE_DEVICE int64_t quotient(int64_t dividend) const {
    if (!narrow_) return dividend / divisor_;
    if (divisor_narrow_ == 0) return 0;
    const auto n = static_cast<uint32_t>(dividend);
    const auto high = static_cast<uint32_t>((static_cast<uint64_t>(multiplier_) * n) >> 32);
    return static_cast<int64_t>((static_cast<uint64_t>(high) + n) >> shift_);
  }
  STRIATE_DEVICE int64_t value() const { return divisor_; }

 private:
  int64_t divisor_ = 1;
  bool narrow_ = true;
  uint32_t divisor_narrow_ = 1;
  uint32_t multiplier_ = 1;
  int shift_ = 0;
};

struct Division {
  int64_t quotient, remainder;
};
STRIATE_DEVICE Division divide(int64_t dividend, const Divisor& divisor) {
  const int64_t q = divisor.quotient(dividend);
  return {q, dividend - q * divisor.value()};
}

// The channel of an element of (outer, channels, inner).
class ChannelOf {
 public:
  ChannelOf(int64_t outer, int64_t channels, int64_t inner)
      : inner_(inner, outer * channels * inner), channels_(channels, outer * channels) {}
  STRIATE_DEVICE int64_t operator()(int64_t i) const {
    return divide(inner_.quotient(i), channels_).remainder;
  }
  STRIATE_DEVICE int64_t inner() const { return inner_.value(); }

 private:
  Divisor inner_, channels_;
};

}  // namespace
}  // namespace striate::cuda
