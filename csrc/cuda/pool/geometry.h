// Where windows and outputs lie. Ranges along each axis are computed once into tables, by the
// formulas that the CPU uses, so that kernels divide nothing.
#pragma once

#include "core/formula/avg_pool.h"
#include "cuda/index.h"
#include "cuda/launch.h"

namespace striate::cuda {
namespace {

using formula::WindowRange;

// Which elements of a plane, in C order, an index means.
struct PlaneMap {
  int64_t size;
  Divisor plane, layer, row;

  // `planes` planes of these three sizes.
  PlaneMap(int64_t planes, const int64_t (&sizes)[kSpatial])
      : size(sizes[0] * sizes[1] * sizes[2]),
        plane(size, planes * size),
        layer(sizes[1] * sizes[2], size),
        row(sizes[2], sizes[1] * sizes[2]) {}
  struct Place {
    int64_t plane, at[kSpatial];
  };
  STRIATE_DEVICE Place operator()(int64_t i) const {
    const Division p = divide(i, plane), d = divide(p.remainder, layer),
                   h = divide(d.remainder, row);
    return {p.quotient, {d.quotient, h.quotient, h.remainder}};
  }
};

// For each axis the windows of its outputs, and the outputs over its inputs.
struct Tables {
  const WindowRange* windows[kSpatial];
  const Range* outputs[kSpatial];
};

__global__ void window_tables_kernel(const __grid_constant__ AvgPoolProblem p, WindowRange* windows,
                                     Range* outputs) {
  for (int axis = 0; axis < kSpatial; ++axis) {
    for (int64_t o = thread_index(); o < p.window.out[axis]; o += thread_count())
      windows[o] = formula::window_range(p, axis, o);
    for (int64_t i = thread_index(); i < p.window.in[axis]; i += thread_count())
      outputs[i] = formula::windows_over(p, axis, i);
    windows += p.window.out[axis];
    outputs += p.window.in[axis];
  }
}

class WindowTables {
 public:
  WindowTables(const char* what, const AvgPoolProblem& p, const Context& context)
      : windows_(context, p.window.out[0] + p.window.out[1] + p.window.out[2]),
        outputs_(context, p.window.in[0] + p.window.in[1] + p.window.in[2]) {
    const WindowRange* window = windows_.data();
    const Range* output = outputs_.data();
    int64_t longest = 1;
    for (int axis = 0; axis < kSpatial; ++axis) {
      tables_.windows[axis] = window;
      tables_.outputs[axis] = output;
      window += p.window.out[axis];
      output += p.window.in[axis];
      for (const int64_t size : {p.window.out[axis], p.window.in[axis]})
        longest = size > longest ? size : longest;
    }
    launch(what, window_tables_kernel, blocks_for(longest), kThreads, 0, context, p,
           windows_.data(), outputs_.data());
  }
  const Tables& get() const { return tables_; }

 private:
  Scratch<WindowRange> windows_;
  Scratch<Range> outputs_;
  Tables tables_;
};

}  // namespace
}  // namespace striate::cuda
