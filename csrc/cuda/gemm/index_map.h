// From an index of a matrix to a place in an array, without a matrix in memory.
//
// The rows, columns and depth of an implicit matrix are each a product of one outer axis (samples
// or channels) and up to three spatial ones (pixels or taps of a window). Index -> digits of that
// mixed radix -> a position on each spatial axis and an offset in elements. An element (i, k) of
// the matrix lies where the offsets of i and of k add up, and it is zero where the sum of their
// positions lies outside the array: that is all of padding, stride and dilation. A plain matrix is
// one without spatial axes. Going on by a fixed distance is an addition with carries (`advance`);
// a division is made only where a thread starts.
#pragma once

#include "core/spec/window.h"
#include "cuda/lane.h"

namespace striate::cuda {

struct IndexMap {
  int64_t outer;             // how many
  int64_t outer_stride;      // elements from one to the next
  int radix[kSpatial];       // how many of each spatial axis
  int step[kSpatial];        // positions from one to the next
  int start[kSpatial];       // the first one's position
  int64_t stride[kSpatial];  // elements from one position to the next

  int64_t count() const { return outer * radix[0] * radix[1] * radix[2]; }
};

struct Digits {
  int64_t outer;
  int at[kSpatial];
};

struct Place {
  int64_t offset;
  int at[kSpatial];
};

// A position so far out that no other brings it back; positions are below 2^30 in size.
inline constexpr int kOutside = -(1 << 30);

// a / b for a >= 0, b > 0. Most are small; for the others, a division of 64 bits is a call, which
// would cost every kernel registers and a stack, so they go bit by bit.
STRIATE_DEVICE int64_t quotient(int64_t a, int64_t b) {
  if (b == 1) return a;
  if (((a | b) >> 32) == 0) return static_cast<uint32_t>(a) / static_cast<uint32_t>(b);
  int64_t result = 0, rest = 0;
  STRIATE_UNROLL_BY(1)
  for (int bit = 62; bit >= 0; --bit) {
    rest = 2 * rest + (a >> bit & 1);
    result *= 2;
    if (rest >= b) {
      rest -= b;
      ++result;
    }
  }
  return result;
}

STRIATE_DEVICE Digits digits_of(const IndexMap& map, int64_t index) {
  Digits d;
  for (int i = kSpatial - 1; i >= 0; --i) {
    const int64_t rest = quotient(index, map.radix[i]);
    d.at[i] = static_cast<int>(index - rest * map.radix[i]);
    index = rest;
  }
  d.outer = index;
  return d;
}

// d + by, where both are digits of the map.
STRIATE_DEVICE void advance(const IndexMap& map, const Digits& by, Digits& d) {
  int carry = 0;
  for (int i = kSpatial - 1; i >= 0; --i) {
    int64_t sum = static_cast<int64_t>(d.at[i]) + by.at[i] + carry;
    carry = sum >= map.radix[i];
    if (carry) sum -= map.radix[i];
    d.at[i] = static_cast<int>(sum);
  }
  d.outer += by.outer + carry;
}

STRIATE_DEVICE Place place_of(const IndexMap& map, const Digits& d) {
  Place p;
  p.offset = d.outer * map.outer_stride;
  for (int i = 0; i < kSpatial; ++i) {
    p.at[i] = d.at[i] * map.step[i] + map.start[i];
    p.offset += p.at[i] * map.stride[i];
  }
  if (d.outer >= map.outer) p.at[0] = kOutside;
  return p;
}

STRIATE_DEVICE Place place_of(const IndexMap& map, int64_t index) {
  return place_of(map, digits_of(map, index));
}

// Whether the positions of two places add up to one inside the array.
STRIATE_DEVICE bool inside(const Place& a, const Place& b, const int (&extent)[kSpatial]) {
  bool in = true;
  for (int i = 0; i < kSpatial; ++i)
    in = in & (static_cast<unsigned>(a.at[i] + b.at[i]) < static_cast<unsigned>(extent[i]));
  return in;
}

// `count` indices, `stride` elements apart.
inline IndexMap plain_map(int64_t count, int64_t stride) {
  return {count, stride, {1, 1, 1}, {}, {}, {}};
}

}  // namespace striate::cuda
