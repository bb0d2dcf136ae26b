#include "cuda/gemm/product.h"

#include <algorithm>

#include "core/check.h"
#include "core/integer.h"

namespace striate::cuda {
namespace {

// Blocks that keep a large device busy; a constant, so that the sums do not depend on the device.
constexpr int64_t kBlocks = 256;
constexpr int64_t kFewestBlocks = 128;
// Terms of a split: at least, so that starting it pays, and at most, for accuracy.
constexpr int64_t kFewestTerms = 512;
constexpr int64_t kMostTerms = 16384;
constexpr int64_t kMostWorkspace = int64_t{64} << 20;

bool is_plain(const IndexMap& map) {
  for (int i = 0; i < kSpatial; ++i)
    if (map.radix[i] != 1 || map.start[i] != 0) return false;
  return true;
}

// Fills in the tiles, with about as many splits of the depth as asked for.
void split_depth(const Product& product, int64_t tile_rows, int64_t tile_columns,
                 int64_t depth_tiles, int64_t splits, int item_size, int64_t most_workspace,
                 GemmPlan& plan) {
  const int64_t sums =
      std::max<int64_t>(1, product.groups * product.rows * product.columns * item_size);
  const int64_t budget =
      most_workspace < 0 ? kMostWorkspace : std::min(most_workspace, kMostWorkspace);
  splits =
      std::clamp<int64_t>(std::min(splits, budget / sums), 1, std::max<int64_t>(1, depth_tiles));
  const int64_t per_split = ceil_div(depth_tiles, splits);
  splits = per_split == 0 ? 1 : ceil_div(depth_tiles, per_split);

  constexpr int64_t kMost = (int64_t{1} << 31) - 1;
  const int64_t row_tiles = ceil_div(product.rows, tile_rows);
  const int64_t column_tiles = ceil_div(product.columns, tile_columns);
  check(product.groups * row_tiles * column_tiles * splits <= kMost && depth_tiles <= kMost,
        "matrix product on CUDA",
        "the product must have less than 2^31 tiles. Got rows=", product.rows,
        ", columns=", product.columns, ", depth=", product.depth, ", groups=", product.groups, ".");
  plan.row_tiles = static_cast<int>(row_tiles);
  plan.column_tiles = static_cast<int>(column_tiles);
  plan.depth_tiles = static_cast<int>(depth_tiles);
  plan.depth_tiles_per_split = static_cast<int>(per_split);
  plan.splits = static_cast<int>(splits);
  plan.workspace = splits > 1 ? splits * sums : 0;
}

}  // namespace

bool reads_vectors(const OperandMap& operand, int item_size) {
  const int64_t vector = 16 / item_size;
  const IndexMap& along = operand.depth_major ? operand.depth : operand.lines;
  const IndexMap& across = operand.depth_major ? operand.lines : operand.depth;
  if (!is_plain(across) || across.outer_stride % vector != 0) return false;
  if (operand.group_stride % vector != 0) return false;
  if (is_plain(along)) return along.outer_stride == 1 && along.outer % vector == 0;
  const bool one_axis = along.radix[0] == 1 && along.radix[1] == 1 && along.start[0] == 0 &&
                        along.start[1] == 0 && along.start[2] == 0;
  return one_axis && along.step[2] == 1 && along.stride[2] == 1 && along.radix[2] % vector == 0 &&
         along.outer_stride % vector == 0;
}

GemmPlan plan_gemm(const Product& product, GemmMath math, int item_size, int64_t most_workspace) {
  const auto tiles = [&](int64_t edge) {
    return std::max<int64_t>(1, ceil_div(product.rows, edge)) *
           std::max<int64_t>(1, ceil_div(product.columns, edge)) * product.groups;
  };
  const int64_t depth_tile = 128 / item_size;
  const int64_t depth_tiles = ceil_div(product.depth, depth_tile);
  const int64_t most_splits =
      std::max<int64_t>(1, depth_tiles / std::max<int64_t>(1, kFewestTerms / depth_tile));

  GemmPlan plan{};
  plan.math = math;
  const bool large = math == GemmMath::tensor_cores && product.rows > 64 && product.columns > 64 &&
                     tiles(128) * most_splits >= kFewestBlocks;
  plan.tile = large ? GemmTile::large : GemmTile::small;
  const int64_t edge = large ? 128 : 64;
  const int64_t blocks = tiles(edge);

  int64_t splits = blocks >= kFewestBlocks ? 1 : std::min(most_splits, ceil_div(kBlocks, blocks));
  splits = std::max(splits, ceil_div(product.depth, kMostTerms));
  split_depth(product, edge, edge, depth_tiles, splits, item_size, most_workspace, plan);
  return plan;
}

GemmPlan plan_dots(const Product& product, int item_size, int64_t most_workspace) {
  constexpr int64_t kBlocksOfDots = 1024, kFewestTermsOfDots = 4096, kMostTermsOfDots = 1 << 20;
  GemmPlan plan{};
  plan.math = GemmMath::dots;
  const int64_t blocks =
      std::max<int64_t>(1, product.groups * product.rows * ceil_div(product.columns, kDotColumns));
  const int64_t splits =
      std::max(std::min(ceil_div(kBlocksOfDots, blocks), product.depth / kFewestTermsOfDots),
               ceil_div(product.depth, kMostTermsOfDots));
  split_depth(product, 1, kDotColumns, ceil_div(product.depth, kDotThreads), splits, item_size,
              most_workspace, plan);
  return plan;
}

Product with_packed_a(Product p) {
  p.a.lines = plain_map(p.rows, p.depth);
  p.a.depth = plain_map(p.depth, 1);
  for (int& extent : p.a.extent) extent = 1;
  p.a.group_stride = p.rows * p.depth;
  p.a.depth_major = true;
  return p;
}

}  // namespace striate::cuda
