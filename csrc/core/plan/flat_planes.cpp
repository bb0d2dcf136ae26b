#include "core/plan/flat_planes.h"

#include <algorithm>

#include "core/integer.h"

namespace striate {
namespace {

// Elements of a task's source, a part of the second cache; and of one that sees a row alone.
constexpr int64_t kStaged = 32 * 1024;
constexpr int64_t kMostStaged = 2 * kStaged;
constexpr int64_t kTasks = 16;

}  // namespace

FlatPlanes plan_flat_planes(const ConvProblem& p, bool input_grad) {
  FlatPlanes f{};
  f.product = input_grad ? plan_input_grad(p, 0) : plan_forward(p);
  const ImplicitGemm& g = f.product;
  f.patch = ConvPatch(g);
  f.patch.add_taps(g);
  // The tallest bands whose source fits, of nearly equal height; more of them where planes are few.
  f.patch.set_rows(g, 0);
  const int64_t reach = f.patch.extent[1];
  f.patch.set_rows(g, 1);
  const int64_t row = f.stage() / f.patch.extent[1];
  const int64_t wanted = ceil_div(kTasks, g.batch * g.groups);
  const int64_t most = std::min(kStaged / row - reach, ceil_div(g.grid[1], wanted));
  f.band = ceil_div(g.grid[1], ceil_div(g.grid[1], std::max<int64_t>(1, most)));
  f.bands = ceil_div(g.grid[1], f.band);
  f.patch.set_rows(g, f.band);
  return f;
}

bool flat_planes_fit(const ConvProblem& p, bool input_grad) {
  const Window& w = p.window;
  if (w.stride[0] * w.stride[1] * w.stride[2] != 1) return false;
  if (w.kernel[0] != 1 || w.in[0] != 1 || w.out[0] != 1) return false;
  if (std::min({p.batch, p.in_channels, p.out_channels, w.in_size(), w.out_size()}) == 0)
    return false;
  const ImplicitGemm g = input_grad ? plan_input_grad(p, 0) : plan_forward(p);
  if (g.depth() > kDepthBlock) return false;
  ConvPatch patch(g);
  patch.add_taps(g);
  patch.set_rows(g, 1);
  return patch.channel_fits(kMostStaged / g.channels);
}

}  // namespace striate
