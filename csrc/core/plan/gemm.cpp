#include "core/plan/gemm.h"

#include <algorithm>

#include "core/integer.h"

namespace striate {
Gemm plan_gemm(Gemm g, TileShape tile) {
  g.tile = tile;
  // A task's sums, and the panels of B that its rows share, stay in a core's own cache.
  constexpr int64_t kMostPanels = 8;
  constexpr int64_t kMostRows = 256;
  constexpr int64_t kMostElements = 128 * 1024;
  // Where B is most of what is read, as an input gradient's weights are, tasks read it along
  // memory, in runs as long as these and slices so thin that a panel stays in the first cache.
  constexpr int64_t kLongRun = 576;
  constexpr int64_t kThinSlice = 64;
  g.columns_first = g.b_column == 1 && g.depth > g.rows;
  g.depth_per_slice = g.columns_first ? kThinSlice : kDepthBlock;
  const int64_t tasks = g.columns_first && g.rows > tile.rows ? 8 : 16;
  const int64_t panels = std::max<int64_t>(1, ceil_div(g.columns, tile.columns));
  const int64_t row_panels = std::max<int64_t>(1, ceil_div(g.rows, tile.rows));
  if (g.columns_first) {
    g.column_tasks =
        ceil_div(panels, std::clamp<int64_t>(kLongRun / tile.columns, 1, ceil_div(panels, tasks)));
  } else {
    // Where the depth is small the result is most of the work: long runs of its rows are written
    // faster than short ones.
    const int64_t fit =
        kMostElements / (tile.columns * std::clamp<int64_t>(g.depth, 1, kDepthBlock));
    const int64_t most_panels = g.c_column == 1 ? std::max(kMostPanels, fit) : kMostPanels;
    const int64_t share = row_panels < tasks ? panels / tasks : panels;
    g.column_tasks = ceil_div(panels, std::clamp<int64_t>(share, 1, most_panels));
  }
  g.panels_per_task = ceil_div(panels, g.column_tasks);
  const int64_t wanted = ceil_div(tasks, g.column_tasks);
  const int64_t most = std::max<int64_t>(1, kMostRows / tile.rows);
  g.rows_per_task = tile.rows * std::clamp<int64_t>(ceil_div(row_panels, wanted), 1, most);
  g.row_tasks = std::max<int64_t>(1, ceil_div(g.rows, g.rows_per_task));
  return g;
}

}  // namespace striate
