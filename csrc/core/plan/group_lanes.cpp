#include "core/plan/group_lanes.h"

#include <algorithm>

#include "core/integer.h"

namespace striate {
namespace {

// Elements of a staged band: a fraction of a core's own cache.
constexpr int64_t kStageElements = 32 * 1024;
// Lower bands would stage the rows that two of them share too often.
constexpr int64_t kFewestRows = 4;
constexpr int64_t kTasks = 16;

}  // namespace

Reach GroupLanes::reach(int axis, int64_t begin, int64_t end) const {
  const int64_t s = stride[axis], span = (kernel[axis] - 1) * dilation[axis];
  if (!input_grad) return {begin * s - pad[axis], (end - 1) * s - pad[axis] + span + 1};
  // in = out * s + k * d - pad, solved for out
  return {floor_div(begin + pad[axis] - span, s), floor_div(end - 1 + pad[axis], s) + 1};
}

int64_t GroupLanes::stage() const {
  int64_t rows_seen = 0;
  for (int64_t b = 0; b < bands; ++b)
    rows_seen = std::max(rows_seen, reach(0, b * band, std::min((b + 1) * band, dst[0])).size());
  return channels * rows_seen * columns.size() * lanes;
}

int64_t GroupLanes::result() const { return band * dst[1] * lanes; }

bool group_lanes_fit(const ConvProblem& p, int lanes) {
  const int64_t rows = p.out_channels / p.groups, channels = p.in_channels / p.groups;
  const int64_t pairs = rows * channels;
  if (p.rank > 2 || lanes == 0 || pairs == 0) return false;
  // Beyond this a matrix product fills its tile as well, and vectors must be full to beat it.
  constexpr int64_t kMostPairs = 32 * 32;
  constexpr int64_t kFewPairs = 16;
  const int64_t full = ceil_div(p.groups, lanes) * lanes;
  return pairs <= kFewPairs ? p.groups * 2 >= lanes && p.groups > 1
                            : pairs <= kMostPairs && p.groups * 4 >= full * 3 && p.groups >= 8;
}

GroupLanes plan_group_lanes(const ConvProblem& p, int lanes, bool input_grad) {
  GroupLanes g{};
  g.input_grad = input_grad;
  g.groups = p.groups;
  g.rows = (input_grad ? p.in_channels : p.out_channels) / p.groups;
  g.channels = (input_grad ? p.out_channels : p.in_channels) / p.groups;
  g.lanes = lanes;
  g.blocks = ceil_div(p.groups, lanes);
  for (int i = 0; i < 2; ++i) {
    g.src[i] = input_grad ? p.window.out[i + 1] : p.window.in[i + 1];
    g.dst[i] = input_grad ? p.window.in[i + 1] : p.window.out[i + 1];
    g.kernel[i] = p.window.kernel[i + 1];
    g.stride[i] = p.window.stride[i + 1];
    g.dilation[i] = p.window.dilation[i + 1];
    g.pad[i] = p.window.pad[i + 1];
  }
  const Reach all = g.reach(1, 0, g.dst[1]);
  g.columns = {std::min<int64_t>(all.first, 0), std::max(all.end, g.src[1])};
  const int64_t height = std::max<int64_t>(1, g.dst[0]);
  // Source rows that fit, and the rows of the result that they serve.
  const int64_t row = g.channels * g.columns.size() * lanes;
  const int64_t fit = kStageElements / row - (g.reach(0, 0, 1).size() - 1);
  const int64_t rows = input_grad ? fit * g.stride[0] : fit / g.stride[0];
  const int64_t shares = ceil_div(kTasks, std::max<int64_t>(1, p.batch * g.blocks));
  g.band = std::min(
      {std::max(rows, kFewestRows), std::max(ceil_div(height, shares), kFewestRows), height});
  g.bands = ceil_div(height, g.band);
  g.band = ceil_div(height, g.bands);
  g.bands = ceil_div(height, g.band);
  return g;
}

int64_t group_lanes_splits(const GroupLanes& g, int64_t batch) {
  return std::clamp<int64_t>(ceil_div(kTasks, g.blocks), 1, std::max<int64_t>(1, batch * g.bands));
}

}  // namespace striate
