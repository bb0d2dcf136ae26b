#include "core/plan/conv_patch.h"

#include <algorithm>

#include "core/integer.h"

namespace striate {

ConvPatch::ConvPatch(const ImplicitGemm& first) : ConvPatch() {
  for (int i = 0; i < kSpatial; ++i) {
    parts[i] = first.src_stride[i];
    lowest[i] = highest[i] = 0;
  }
}

void ConvPatch::add_taps(const ImplicitGemm& g) {
  for (int i = 0; i < kSpatial; ++i) {
    const int64_t s = g.src_stride[i];
    const int64_t last = g.tap_offset[i] + (g.taps[i] - 1) * g.tap_step[i];
    lowest[i] = std::min(lowest[i], floor_div(std::min(g.tap_offset[i], last), s));
    highest[i] = std::max(highest[i], floor_div(std::max(g.tap_offset[i], last), s));
  }
}

void ConvPatch::set_rows(const ImplicitGemm& first, int64_t rows) {
  const int64_t right = first.grid[2] + highest[2];
  const int64_t columns = std::min(ceil_div(first.src[2], first.src_stride[2]), right);
  extent[0] = 1 + highest[0] - lowest[0];
  extent[1] = rows + highest[1] - lowest[1];
  extent[2] = std::max(right, columns - lowest[2]);
}

bool ConvPatch::channel_fits(int64_t elements) const {
  double size = 1;
  for (int i = 0; i < kSpatial; ++i)
    size *= static_cast<double>(parts[i]) * static_cast<double>(extent[i]);
  return size <= static_cast<double>(elements);
}

int64_t ConvPatch::distance(const int64_t* offset) const {
  int64_t part = 0, place = 0;
  for (int i = 0; i < kSpatial; ++i) {
    const int64_t shift = floor_div(offset[i], parts[i]);
    part = part * parts[i] + offset[i] - shift * parts[i];
    place = place * extent[i] + shift - lowest[i];
  }
  return part * part_size() + place;
}

}  // namespace striate
