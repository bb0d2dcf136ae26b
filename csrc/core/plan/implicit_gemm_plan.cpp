#include "core/plan/implicit_gemm_plan.h"

#include <algorithm>

#include "core/integer.h"

namespace striate {
namespace {

// Enough tasks for many threads to share them evenly.
constexpr int64_t kTasks = 16;
constexpr int64_t kMostTasks = 64;  // more are no better
// Gathered panels of a block share what is read of the weights, shifted ones also their halo.
constexpr int64_t kMostPanels = 8;
constexpr int64_t kMostShiftedPanels = 32;
constexpr int64_t kFewestRowPanels = 2;
// Phases of an input gradient that share blocks of pixels and hold their sums together.
constexpr int64_t kMostPhases = 64;
// More than this is not worth a round trip through memory.
constexpr int64_t kSharedPixels = 1024 * 1024;
constexpr int64_t kNearPixels = 256 * 1024;
// What a task gathers or copies of the source, and what it sums up apart: a core's own cache.
constexpr int64_t kPatchElements = 64 * 1024;
constexpr int64_t kSumElements = 128 * 1024;

// The estimates below count cycles for one vector of pixels and one step of the depth, with two
// multiplications a cycle.
double multiply_cost(int64_t rows, TileShape tile) {
  const int64_t rest = rows % tile.rows;
  const int64_t tail = rest > 4 ? tile.rows : rest > 2 ? 4 : rest;
  return static_cast<double>(rows - rest + tail) / 2;
}

double gather_cost(const ImplicitGemmPlan& plan) {
  const ImplicitGemm& g = plan.first;
  const int64_t stride = g.src_stride[2], vector = plan.vector;
  if (plan.parted) return 6;
  const int64_t runs = g.tap_count() == 1 ? 1 : 1 + vector / std::max<int64_t>(1, g.grid[2]);
  return (stride <= 2 ? 2 : 8) + static_cast<double>(runs * (stride == 1 ? 2 : 6));
}

// The same for one vector of a patch.
double copy_cost(int64_t stride) { return stride <= 2 ? 8 : stride == 4 ? 12 : 40; }

// Panels of one block whose sums, where they are kept apart, stay in the cache.
int64_t panels_that_fit(const ImplicitGemmPlan& plan, int64_t most) {
  if (!plan.strided_dst) return most;
  const int64_t rows = plan.stacked ? plan.first.rows : plan.tile.rows * kFewestRowPanels;
  return std::clamp<int64_t>(kSumElements / (rows * plan.products * plan.tile.columns), 1, most);
}

// Splits of the rows, so that their sums stay in the cache.
int64_t fewest_splits(const ImplicitGemmPlan& plan) {
  if (!plan.strided_dst) return 1;
  const int64_t elements =
      plan.row_panels * plan.tile.rows * plan.products * plan.panels_per_block * plan.tile.columns;
  return std::clamp<int64_t>(ceil_div(elements, kSumElements), 1,
                             std::max<int64_t>(1, plan.row_panels));
}

// Few tasks are shared unevenly; two or four threads share these evenly or not.
double imbalance(int64_t tasks) {
  const auto share = [tasks](int64_t threads) {
    return static_cast<double>(ceil_div(tasks, threads) * threads) / static_cast<double>(tasks);
  };
  const double missing = static_cast<double>(std::max<int64_t>(0, kTasks - tasks));
  return (share(2) + share(4)) / 2 + 0.5 / static_cast<double>(tasks) + 0.5 * missing / kTasks;
}

// Splits of the rows where shifted blocks of pixels alone make too few tasks.
int64_t shifted_splits(const ImplicitGemmPlan& plan, int64_t pixel_blocks) {
  if (plan.stacked) return 1;
  const int64_t wanted = ceil_div(kTasks, pixel_blocks * plan.first.groups);
  return std::clamp<int64_t>(plan.row_panels / kFewestRowPanels, 1, wanted);
}

// How many rows of the result a block takes; returns the estimated cost of the whole.
double choose_rows(ImplicitGemmPlan& plan) {
  const ImplicitGemm& g = plan.first;
  plan.patch = ConvPatch(g);
  for (int64_t p = 0; p < plan.products; ++p) plan.patch.add_taps(plan.product(p));
  plan.patch.set_rows(g, 1);
  const double multiply = 1.05 * multiply_cost(g.rows, plan.tile);
  const double copy = copy_cost(g.src_stride[2]);
  double best = 0, least_work = -1;
  const int64_t most = std::min(g.grid[1], kMostShiftedPanels * plan.tile.columns / g.grid[2] + 1);
  for (int64_t rows = most; rows > 0; --rows) {
    const int64_t row_blocks = ceil_div(g.grid[1], rows);
    const int64_t run_on = ceil_div((rows - 1) * plan.patch.extent[2] + g.grid[2], plan.vector);
    const int64_t aligned = rows * ceil_div(g.grid[2], plan.vector);
    const int64_t vectors = std::min(run_on, aligned);
    if (rows > 1 &&
        vectors * plan.vector > panels_that_fit(plan, kMostShiftedPanels) * plan.tile.columns)
      continue;
    ConvPatch patch = plan.patch;
    patch.set_rows(g, rows);
    if (!patch.channel_fits(kPatchElements)) continue;
    const int64_t planes = g.batch * g.grid[0] * row_blocks;
    const double copied = static_cast<double>(patch.channel_size()) /
                          static_cast<double>(plan.vector * g.tap_count());
    const int64_t splits = shifted_splits(plan, planes);  // each copies anew
    const double work = static_cast<double>(planes) * (static_cast<double>(vectors) * multiply +
                                                       copy * copied * static_cast<double>(splits));
    const double cost = work * imbalance(planes * g.groups * splits);
    if (least_work >= 0 && cost >= best) continue;
    best = cost;
    least_work = work;
    plan.rows_per_block = rows;
    plan.row_blocks = row_blocks;
    plan.panels_per_row =
        aligned <= run_on
            ? ceil_div(ceil_div(g.grid[2], plan.vector) * plan.vector, plan.tile.columns)
            : 0;
    plan.panels_per_block = plan.panels_per_row > 0
                                ? rows * plan.panels_per_row
                                : ceil_div(run_on * plan.vector, plan.tile.columns);
    plan.patch.extent[1] = patch.extent[1];
  }
  return least_work;
}

bool can_shift(const ImplicitGemmPlan& plan) {
  const ImplicitGemm& g = plan.first;
  // Rows much longer than a block would not stay in the cache.
  if (plan.max_taps < 2 || g.grid_size() * g.batch == 0 || g.grid[2] > 64 * plan.tile.columns)
    return false;
  for (int i = 0; i < kSpatial; ++i)
    if (!plan.gradient && g.kernel[i] < g.src_stride[i]) return false;
  return true;
}

// Gathered pixels: how many blocks of them, and splits of the rows.
void choose_panels(ImplicitGemmPlan& plan) {
  const ImplicitGemm& g = plan.first;
  // What a far cache adds to gathering, and what reading a vector that was gathered for all costs:
  // less where all of them stay in a core's own cache.
  constexpr double kFar = 6;
  const double shared = plan.all_pixels() <= kNearPixels ? 2 : 12;
  const double multiply = multiply_cost(g.rows, plan.tile);
  const double gather = kFar + gather_cost(plan);
  const int64_t fewest_blocks =
      std::max<int64_t>(1, ceil_div(plan.panels, panels_that_fit(plan, kMostPanels)));
  const int64_t most_blocks = std::max(fewest_blocks, std::min(plan.panels, kMostTasks));
  const int64_t most_splits =
      plan.stacked ? 1 : std::max<int64_t>(1, plan.row_panels / kFewestRowPanels);
  const auto set = [&plan](int64_t blocks, int64_t splits) {
    plan.pixel_blocks = blocks;
    plan.panels_per_block = std::max<int64_t>(1, ceil_div(plan.panels, blocks));
    plan.row_splits = splits;
    plan.share_pixels = splits > 1 && plan.all_pixels() <= kSharedPixels;
  };
  int64_t best_blocks = 0, best_splits = 0;
  double least = 0;
  for (int64_t blocks = fewest_blocks; blocks <= most_blocks; ++blocks) {
    set(blocks, 1);
    const int64_t fewest = plan.stacked ? 1 : fewest_splits(plan);
    const int64_t most =
        std::min(most_splits, kMostTasks / (blocks * std::max<int64_t>(1, g.groups)));
    for (int64_t splits = fewest; splits <= std::max(fewest, most); ++splits) {
      set(blocks, splits);
      // Each split reads what was gathered for all, or gathers anew.
      const double pixels = plan.share_pixels ? 1.5 * gather + shared * static_cast<double>(splits)
                                              : gather * static_cast<double>(splits);
      // A gradient's weights are packed, in memory where several blocks share them.
      constexpr double kPacking = 1.5;
      const double packing = plan.gradient ? kPacking * multiply * (blocks > 1 ? 2 : 1) /
                                                 static_cast<double>(plan.vectors)
                                           : 0;
      // The weights are read once for a block.
      const double panels = static_cast<double>(plan.panels) / static_cast<double>(blocks);
      const double cost =
          (multiply * (1 + 0.2 / panels) + pixels + packing) * imbalance(plan.tasks());
      if (best_blocks > 0 && cost >= least) continue;
      least = cost;
      best_blocks = blocks;
      best_splits = splits;
    }
  }
  set(best_blocks, best_splits);
}

void choose_pixels(ImplicitGemmPlan& plan) {
  const ImplicitGemm& g = plan.first;
  plan.vectors = ceil_div(g.batch * g.grid_size(), plan.vector);
  plan.panels = ceil_div(plan.vectors * plan.vector, plan.tile.columns);
  plan.parted = !plan.gradient && can_part(g);
  if (can_shift(plan)) {
    const double gathered =
        static_cast<double>(plan.vectors) * (multiply_cost(g.rows, plan.tile) + gather_cost(plan));
    const double cost = choose_rows(plan);
    plan.shifted = cost >= 0 && cost < gathered;
  }
  if (plan.shifted) {
    plan.pixel_blocks = g.batch * g.grid[0] * plan.row_blocks;
    plan.row_splits = shifted_splits(plan, plan.pixel_blocks);
    if (!plan.stacked) plan.row_splits = std::max(plan.row_splits, fewest_splits(plan));
  } else {
    choose_panels(plan);
  }
}

// Whether each row meets all taps of its filters, which lie side by side.
bool whole_filters(const ImplicitGemmPlan& plan) {
  return !plan.stacked && plan.products == 1 && plan.max_taps == plan.taps_per_block &&
         plan.max_taps == plan.problem.window.kernel_size();
}

void choose_blocks(ImplicitGemmPlan& plan) {
  const ImplicitGemm& g = plan.first;
  plan.taps_per_block = std::clamp<int64_t>(plan.max_taps, 1, kDepthBlock);
  int64_t most = kDepthBlock / plan.taps_per_block;
  if (plan.shifted) most = std::min(most, kPatchElements / plan.patch.channel_size());
  most = std::clamp<int64_t>(most, 1, std::max<int64_t>(1, g.channels));
  // Blocks of one size: a short last one would reload the sums for little.
  plan.channels_per_block =
      std::max<int64_t>(1, ceil_div(g.channels, std::max<int64_t>(1, ceil_div(g.channels, most))));
  // Whole filters are read as they lie where few panels share them; tasks that share no rows pack
  // what they need.
  constexpr int64_t kFewPanels = 5;
  plan.pack_weights =
      plan.gradient && plan.pixel_blocks > 1 && (!whole_filters(plan) || plan.panels > kFewPanels);
}

// Few channels would leave most of a tile's rows unused, and would be gathered for few of them.
bool stacking_pays(const ImplicitGemmPlan& plan) {
  const ConvProblem& p = plan.problem;
  constexpr int64_t kMostStride = 32;
  constexpr int64_t kMostRows = 2048;
  for (int i = 0; i < kSpatial; ++i)
    if (p.window.dilation[i] != 1 || p.window.stride[i] > kMostStride) return false;
  const ImplicitGemm stacked = plan_stacked_input_grad(p);
  if (plan.products < 2 || stacked.rows > kMostRows) return false;
  constexpr double kSource = 2;  // cycles to gather or copy
  const double apart = static_cast<double>(p.window.kernel_size()) *
                       (kSource + multiply_cost(plan.first.rows, plan.tile));
  return static_cast<double>(stacked.tap_count()) *
             (kSource + multiply_cost(stacked.rows, plan.tile)) <
         apart;
}

}  // namespace

ImplicitGemm ImplicitGemmPlan::product(int64_t index) const {
  if (!gradient || stacked || alone) return first;
  ImplicitGemm g = plan_input_grad(problem, index);
  for (int i = 0; i < kSpatial; ++i) g.grid[i] = first.grid[i];
  return g;
}

void ImplicitGemmPlan::phase_offset(int64_t phase, int64_t* offset) const {
  if (!stacked) {
    const ImplicitGemm g = product(phase);
    for (int i = 0; i < kSpatial; ++i) offset[i] = g.dst_offset[i];
    return;
  }
  for (int i = kSpatial - 1; i >= 0; --i) {
    offset[i] = phase % first.dst_stride[i];
    phase /= first.dst_stride[i];
  }
}

int64_t ImplicitGemmPlan::rows_per_split() const {
  return std::min(first.rows, ceil_div(row_panels, row_splits) * tile.rows);
}

int64_t ImplicitGemmPlan::parts() const {
  int64_t blocks = 0;
  for (int64_t i = 0; i < products; ++i) blocks += ceil_div(product(i).tap_count(), taps_per_block);
  return blocks * ceil_div(first.channels, channels_per_block);
}

int64_t ImplicitGemmPlan::packed_weights() const {
  return pack_weights ? first.groups * row_panels * tile.rows * total_depth : 0;
}

int64_t ImplicitGemmPlan::all_weights() const {
  return first.groups * row_panels * tile.rows * first.depth();
}

int64_t ImplicitGemmPlan::shared_pixels() const { return share_pixels ? all_pixels() : 0; }

int64_t ImplicitGemmPlan::pixel_elements() const {
  if (!shifted) return panels_per_block * tile.columns * taps_per_block * channels_per_block;
  return channels_per_block * patch.channel_size() + tile.columns + patch.extent[2];
}

int64_t ImplicitGemmPlan::parted_elements() const {
  if (shifted || !parted) return 0;
  // Rows that pixels, one after another, and their taps may lie in.
  const int64_t rows =
      panels_per_block * tile.columns / first.grid[2] + 2 + ceil_div(first.taps[1], 2);
  return 4 * (rows * first.grid[2] + vector);
}

int64_t ImplicitGemmPlan::sum_elements() const {
  return strided_dst ? rows_per_split() * products * panels_per_block * tile.columns : 0;
}

ImplicitGemmPlan plan_phase_alone(const ConvProblem& p, TileShape tile, const ImplicitGemm& phase) {
  ImplicitGemmPlan plan{};
  plan.problem = p;
  plan.gradient = plan.alone = plan.strided_dst = true;
  plan.tile = tile;
  plan.vector = tile.lanes;
  plan.products = plan.phases = 1;
  plan.first = phase;
  plan.row_panels = ceil_div(phase.rows, tile.rows);
  plan.max_taps = phase.tap_count();
  plan.total_depth = phase.depth();
  choose_pixels(plan);
  choose_blocks(plan);
  return plan;
}

ImplicitGemmPlan plan_implicit_gemm(const ConvProblem& p, bool gradient, TileShape tile) {
  ImplicitGemmPlan plan{};
  plan.problem = p;
  plan.gradient = gradient;
  plan.tile = tile;
  plan.vector = tile.lanes;
  plan.products = gradient ? input_grad_phases(p) : 1;
  if (plan.products == 0) return plan;
  plan.first = gradient ? plan_input_grad(p, 0) : plan_forward(p);
  for (int i = 0; i < kSpatial; ++i) {
    if (plan.first.dst_stride[i] != 1) plan.strided_dst = true;
    if (gradient) plan.first.grid[i] = ceil_div(p.window.in[i], p.window.stride[i]);
  }
  plan.row_panels = ceil_div(plan.first.rows, tile.rows);
  if (plan.first.rows * plan.first.batch * plan.first.grid_size() == 0) {
    plan.products = 0;  // no result
    return plan;
  }
  if (gradient && stacking_pays(plan)) {
    plan.stacked = true;
    plan.first = plan_stacked_input_grad(p);
    plan.products = 1;
    plan.row_panels = ceil_div(plan.first.rows, tile.rows);
  }
  if (plan.products > kMostPhases) return plan_phase_alone(p, tile, plan_input_grad(p, 0));
  plan.phases =
      plan.stacked ? p.window.stride[0] * p.window.stride[1] * p.window.stride[2] : plan.products;
  for (int64_t i = 0; i < plan.products; ++i) {
    const ImplicitGemm g = plan.product(i);
    plan.max_taps = std::max(plan.max_taps, g.tap_count());
    plan.total_depth += g.depth();
  }
  choose_pixels(plan);
  choose_blocks(plan);
  return plan;
}

}  // namespace striate
