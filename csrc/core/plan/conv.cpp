#include "core/plan/conv.h"

#include <algorithm>

#include "core/check.h"
#include "core/integer.h"
#include "core/plan/conv_weight_grad.h"
#include "core/plan/direct.h"
#include "core/plan/flat_planes.h"
#include "core/plan/group_lanes.h"
#include "core/plan/implicit_gemm_plan.h"
#include "core/plan/winograd.h"
#include "core/plan/winograd_lanes.h"
#include "core/plan/winograd_weight_grad.h"

namespace striate {
namespace {

struct Request {
  ConvDirection direction;
  const ConvProblem& problem;
  const ConvTiles& tiles;
  bool exact;
};

struct Bytes {
  int64_t workspace;
  int64_t scratch;
};

// One way to compute some directions of some problems.
struct Candidate {
  ConvAlgorithm algorithm;
  bool (*serves)(const Request&);
  Bytes (*bytes)(const Request&);
  const char* why;
};

int64_t item_size(const ConvProblem& p) { return static_cast<int64_t>(size_of(p.dtype)); }

bool is_weight_grad(const Request& r) { return r.direction == ConvDirection::weight_grad; }

bool group_lanes_pay(const Request& r) { return group_lanes_fit(r.problem, r.tiles.gemm.lanes); }

// Whether rows of the result fill enough of a vector, and there are few enough pairs of channels to
// read each row for every one of them anew. Measured: what is strided but for a depthwise forward,
// and weight gradients of several pairs, are faster by group lanes.
bool rows_pay(const Request& r) {
  const ConvProblem& p = r.problem;
  const Window& w = p.window;
  const bool forward = r.direction == ConvDirection::forward;
  const bool strided = w.stride[1] * w.stride[2] > 1;
  if (strided && !forward) return false;
  const int64_t most = strided || r.direction == ConvDirection::weight_grad ? 1 : 64;
  return p.in_channels / p.groups * (p.out_channels / p.groups) <= most &&
         rows_fill_vectors(forward ? w.out[2] : w.in[2], r.tiles.gemm.lanes);
}

// Whether planes are taken whole, so that rows need not fill vectors.
bool fills_flat_vectors(const Request& r) {
  const ConvProblem& p = r.problem;
  const Window& w = p.window;
  if (w.stride[0] * w.stride[1] * w.stride[2] != 1 || is_weight_grad(r)) return false;
  const ImplicitGemm g =
      r.direction == ConvDirection::forward ? plan_forward(p) : plan_input_grad(p, 0);
  return flat_vectors(g, r.tiles.gemm.lanes, item_size(p)) > 0;
}

bool direct_pays(const Request& r) {
  const ConvProblem& p = r.problem;
  // A product of so few channels leaves most of a register tile unused: pairs of one group.
  const bool many_groups = p.groups > 1 && r.direction != ConvDirection::weight_grad;
  const int64_t most = many_groups ? 64 : 16;
  const int64_t pairs = p.in_channels / p.groups * (p.out_channels / p.groups);
  if (pairs == 0 || pairs > most) return false;
  if (pairs == 1 && fills_flat_vectors(r)) return true;
  return rows_pay(r) || !group_lanes_pay(r);
}

// What Winograd's filtering with tiles of outputs x outputs results takes, in vector operations for
// a vector of (row, channel) pairs, measured roughly on two machines; only ratios matter.
struct WinogradCosts {
  int64_t outputs;
  int64_t size;    // points along an axis
  double product;  // of one point
  double weights;  // of a vector of filters, or of their gradients
  double tile;     // of one channel
  bool whole;      // tiles fill vectors; else they are a sum's terms, one by one
};
double winograd_cost(const Request& r, const WinogradCosts& costs) {
  const ConvProblem& p = r.problem;
  const int64_t tiles =
      p.batch * ceil_div(p.window.out[1], costs.outputs) * ceil_div(p.window.out[2], costs.outputs);
  const int64_t padded = costs.whole ? ceil_div(tiles, kTileQuantum) * kTileQuantum : tiles;
  const double rows = static_cast<double>(p.out_channels / p.groups),
               channels = static_cast<double>(p.in_channels / p.groups);
  return costs.product * static_cast<double>(costs.size * costs.size * padded) + costs.weights +
         costs.tile * static_cast<double>(tiles) * (1 / rows + 1 / channels);
}

double direct_cost(const ConvProblem& p) {
  return static_cast<double>(p.batch * p.window.out_size() * p.window.kernel_size());
}

WinogradCosts costs_of_tiles(const Request& r) {
  const int64_t taps = r.problem.window.kernel[1];
  // Seven points, and short sums.
  if (is_weight_grad(r) && taps == 5) return {3, 7, 1.2, 1300, 2500, true};
  return {7 - taps, 6, 1, 300, 500, !is_weight_grad(r)};
}

// Whether the multiplications that Winograd saves are worth its transforms.
bool winograd_pays(const Request& request) {
  const ConvProblem& p = request.problem;
  if (request.exact) return false;
  if (!winograd_fits(p) || p.in_channels == 0 || p.out_channels == 0) return false;
  return 1.1 * winograd_cost(request, costs_of_tiles(request)) < direct_cost(p);
}

// Few tiles leave lanes empty, and their weights take most of the time.
bool small_winograd_pays(const Request& request) {
  const ConvProblem& p = request.problem;
  if (request.exact || is_weight_grad(request)) return false;
  if (!small_winograd_fits(p) || p.in_channels == 0 || p.out_channels == 0) return false;
  const double small = winograd_cost(request, {2, 4, 1, 130, 220, true});
  return 1.1 * small < std::min(direct_cost(p), winograd_cost(request, costs_of_tiles(request)));
}

// The same for windows that move by two; the limits are measured beside the products that it would
// replace, of which the input gradient's are slowest.
bool strided_winograd_pays(const Request& request) {
  const ConvProblem& p = request.problem;
  if (request.exact) return false;
  if (!strided_winograd_fits(p) || p.in_channels == 0 || p.out_channels == 0) return false;
  constexpr double kWeights = 300, kTile = 1000;
  constexpr int64_t kFewestTilesOfWeightGrad = 32;
  const int64_t rows = p.out_channels / p.groups, channels = p.in_channels / p.groups;
  int64_t tiles, products;
  double least_gain;
  if (is_weight_grad(request)) {
    tiles = products = plan_winograd_weight_grad(p, request.tiles.weight_grad).tiles.count();
    least_gain = 1.16;
    if (tiles < kFewestTilesOfWeightGrad) return false;
  } else {
    const bool forward = request.direction == ConvDirection::forward;
    tiles = (forward ? plan_winograd_forward(p, request.tiles.gemm, false)
                     : plan_winograd_input_grad(p, request.tiles.gemm, false))
                .tiles.count();
    products = ceil_div(tiles, kTileQuantum) * kTileQuantum;
    least_gain = forward ? 1.18 : 0.95;
  }
  const double winograd =
      static_cast<double>(winograd_products(2).count * products) + kWeights +
      kTile * static_cast<double>(tiles) *
          (1.0 / static_cast<double>(rows) + 1.0 / static_cast<double>(channels));
  const double direct = static_cast<double>(p.batch * p.window.out_size() * 9);
  return least_gain * winograd < direct;
}

// The same for windows whose phases are channels; a phase's samples lie apart, and are read slower.
bool polyphase_winograd_pays(const Request& request) {
  const ConvProblem& p = request.problem;
  if (request.exact || request.direction != ConvDirection::forward) return false;
  if (!polyphase_winograd_fits(p) || p.in_channels == 0 || p.out_channels == 0) return false;
  constexpr double kWeights = 800, kSource = 1500, kResult = 400;
  const Winograd g = plan_winograd_forward(p, request.tiles.gemm, false);
  const double tiles = static_cast<double>(g.tiles.count());
  const double rows = static_cast<double>(g.rows), channels = static_cast<double>(g.channels);
  const double winograd =
      kFrequencies * static_cast<double>(ceil_div(g.tiles.count(), kTileQuantum) * kTileQuantum) +
      kWeights + tiles * (kSource / rows + kResult / channels);
  const double direct = static_cast<double>(p.batch * p.window.out_size() * p.window.kernel_size() /
                                            (g.phases * g.phases));
  return 1.1 * winograd < direct;
}

// The same where channels are lanes, against direct sums; costs are measured as above. With many
// channels, or tiles enough in a row, products with tiles as lanes are faster.
bool winograd_lanes_pay(const Request& r) {
  const ConvProblem& p = r.problem;
  if (r.exact || r.tiles.gemm.lanes == 0 || !winograd_lanes_fit(p)) return false;
  const WinogradLanes g =
      plan_winograd_lanes(p, r.tiles.gemm.lanes, r.direction == ConvDirection::input_grad);
  const int64_t most = is_weight_grad(r) ? (g.lanes >= 8 ? 64 : 32) : g.tiles[1] >= 7 ? 20 : 32;
  if (std::max(g.rows, g.channels) > most) return false;
  // Of a vector: both transforms of a tile with their transposes, and filters.
  constexpr double kTile = 560, kWeights = 200;
  // What a vector operation of direct sums in groups takes, against one of Winograd's.
  constexpr double kDirect = 1.6;
  const double tiles = static_cast<double>(g.batch * g.tiles[0] * g.tiles[1]);
  const double vectors = static_cast<double>(g.row_vectors + g.channel_vectors);
  const double depth = static_cast<double>(g.members * g.channels);
  const double winograd =
      tiles * (kFrequencies * depth * static_cast<double>(g.row_vectors) + kTile * vectors) +
      kWeights * static_cast<double>(g.channels * g.row_vectors);
  const double direct = static_cast<double>(p.batch * p.window.out_size() * 9) *
                        static_cast<double>(g.members * g.rows * g.channels) / g.lanes;
  return winograd < kDirect * direct;
}

// Measured: with tiles of four rows or more, from planes on that lose little between their rows.
bool flat_planes_pay(const Request& r) {
  constexpr int64_t kFewestChannels = 4, kMostChannels = 32;
  const ConvProblem& p = r.problem;
  const Window& w = p.window;
  const int64_t rows = p.out_channels / p.groups, channels = p.in_channels / p.groups;
  const int64_t most = std::max(rows, channels);
  if (is_weight_grad(r) || p.groups == 1 || w.kernel_size() == 1) return false;
  if (std::min(rows, channels) < kFewestChannels || most > kMostChannels) return false;
  const bool gradient = r.direction == ConvDirection::input_grad;
  if (!flat_planes_fit(p, gradient)) return false;
  const int64_t columns = gradient ? w.in[2] : w.out[2];
  const int64_t lanes = r.tiles.gemm.lanes, vector = lanes * item_size(p);
  if (winograd_lanes_pay(r)) return vector == 64 && most <= 8 && columns >= 28;
  // Where vectors are short, groups fill them without a loss; where they are long, rows that are
  // read where they lie, or groups on small planes, are as fast.
  if (vector <= 16 && group_lanes_pay(r)) return false;
  if (vector == 64 && most < 8) return columns >= 40;
  if (lanes == 16 && (most == 8 || group_lanes_pay(r))) return columns >= 28;
  return most >= 16 || columns >= 12;
}

bool is_product_over_channels(const Request& r) { return !is_weight_grad(r); }

// Only the kernel knows its scratch.
Bytes direct_bytes(const Request&) { return {0, -1}; }

Bytes flat_planes_bytes(const Request& r) {
  const FlatPlanes f = plan_flat_planes(r.problem, r.direction == ConvDirection::input_grad);
  return {0, f.scratch(r.tiles.gemm.columns) * item_size(r.problem)};
}

Bytes group_lanes_bytes(const Request& r) {
  const GroupLanes g =
      plan_group_lanes(r.problem, r.tiles.gemm.lanes, r.direction == ConvDirection::input_grad);
  const bool weight_grad = is_weight_grad(r);
  const int64_t parts = weight_grad ? group_lanes_splits(g, r.problem.batch) : 1;
  // A task holds one register tile's channels of the result, or all of dy's.
  const int64_t held = g.stage() + (weight_grad ? g.rows : 4) * g.result();
  return {parts * g.weights() * item_size(r.problem), held * item_size(r.problem)};
}

template <bool small>
Bytes winograd_bytes(const Request& r) {
  if (r.direction == ConvDirection::weight_grad) {
    const WinogradWeightGrad g = plan_winograd_weight_grad(r.problem, r.tiles.weight_grad);
    return {g.workspace(), g.scratch()};
  }
  const Winograd g = r.direction == ConvDirection::forward
                         ? plan_winograd_forward(r.problem, r.tiles.gemm, small)
                         : plan_winograd_input_grad(r.problem, r.tiles.gemm, small);
  return {g.workspace(), g.scratch()};
}

Bytes winograd_lanes_bytes(const Request& r) {
  const int lanes = r.tiles.gemm.lanes;
  if (is_weight_grad(r)) {
    const WinogradLanes g = plan_winograd_lanes_weight_grad(r.problem, lanes);
    return {4 * g.shared_sums(), 4 * g.weight_grad_scratch()};
  }
  const WinogradLanes g =
      plan_winograd_lanes(r.problem, lanes, r.direction == ConvDirection::input_grad);
  return {4 * g.shared_weights(), 4 * g.scratch()};
}

Bytes broadcast_bytes(const Request& r, bool workspace) {
  const ConvWeightGrad g = plan_weight_grad(r.problem, r.tiles.weight_grad, workspace);
  return {g.shared_sums() * item_size(r.problem), g.scratch()};
}

Bytes implicit_gemm_bytes(const Request& r, bool shared) {
  const ImplicitGemmPlan plan =
      plan_implicit_gemm(r.problem, r.direction == ConvDirection::input_grad, r.tiles.gemm);
  if (plan.products == 0) return {0, 0};
  const int64_t rows = plan.taps_per_block * plan.channels_per_block * plan.tile.rows;
  return {shared ? (plan.packed_weights() + plan.shared_pixels()) * item_size(r.problem) : 0,
          (plan.pixel_elements() + plan.parted_elements() + rows + plan.sum_elements()) *
              item_size(r.problem)};
}

// The first that serves a problem and fits max_workspace computes it. Every problem is served by
// one that needs no workspace.
const Candidate candidates[] = {
    {ConvAlgorithm::flat_planes, flat_planes_pay, flat_planes_bytes,
     "planes are taken whole, so that vectors are full whatever the width"},
    {ConvAlgorithm::winograd_lanes, winograd_lanes_pay, winograd_lanes_bytes,
     "tiles of 6x6 save multiplications, and channels of small groups fill vectors"},
    {ConvAlgorithm::direct, direct_pays, direct_bytes,
     "the groups have too few channels for a matrix product"},
    {ConvAlgorithm::group_lanes, group_lanes_pay, group_lanes_bytes,
     "there are groups enough to fill vectors, each too small for a matrix product"},
    {ConvAlgorithm::small_winograd, small_winograd_pays, winograd_bytes<true>,
     "tiles of 4x4 save multiplications, and are enough to fill vectors where larger ones are not"},
    {ConvAlgorithm::winograd, winograd_pays, winograd_bytes<false>,
     "overlapping tiles save multiplications where the filter moves by one pixel"},
    {ConvAlgorithm::strided_winograd, strided_winograd_pays, winograd_bytes<false>,
     "tiles of 9x9 save multiplications where the filter moves by two pixels"},
    {ConvAlgorithm::polyphase_winograd, polyphase_winograd_pays, winograd_bytes<false>,
     "tiles of 6x6 save multiplications in each phase of the strided filter"},
    {ConvAlgorithm::broadcast, is_weight_grad,
     [](const Request& r) { return broadcast_bytes(r, true); },
     "a matrix product over pixels serves any window"},
    {ConvAlgorithm::broadcast_unsliced, is_weight_grad,
     [](const Request& r) { return broadcast_bytes(r, false); }, "tasks share no sums"},
    {ConvAlgorithm::implicit_gemm, is_product_over_channels,
     [](const Request& r) { return implicit_gemm_bytes(r, true); },
     "a matrix product over gathered pixels serves any window"},
    {ConvAlgorithm::implicit_gemm_unshared, is_product_over_channels,
     [](const Request& r) { return implicit_gemm_bytes(r, false); },
     "each task packs its weights anew"},
};

}  // namespace

ConvPlan plan_conv(ConvDirection direction, const ConvProblem& p, const ConvTiles& tiles,
                   const PlanOptions& options) {
  const Request request{direction, p, tiles, options.exact};
  ConvPlan plan{};
  plan.flops = p.flops();
  for (const Candidate& candidate : candidates) {
    if (!candidate.serves(request)) continue;
    const Bytes bytes = candidate.bytes(request);
    if (options.max_workspace >= 0 && bytes.workspace > options.max_workspace) {
      if (plan.refused == nullptr) {
        plan.refused = algorithm_name(candidate.algorithm);
        plan.refused_workspace = bytes.workspace;
      }
      continue;
    }
    plan.algorithm = candidate.algorithm;
    plan.why = candidate.why;
    plan.workspace = bytes.workspace;
    plan.scratch = bytes.scratch;
    return plan;
  }
  fail("plan_conv", "no algorithm serves this convolution.");
}

}  // namespace striate
