// Matrix products over strided matrices, and the linear layer's three of them. A task owns a piece
// of C and goes through the depth in slices; sums are kept in C itself where it has the order of a
// tile, else in scratch until the end. What is large is read along memory.
//
// Rows first (forward, weight gradient): a slice of B is packed, then one panel of A's rows after
// another meets all of it. Rows of A that lie along memory are not packed: that would cost as much
// as it saves. Columns first (input gradient, whose B are the weights): a panel of B meets all rows
// while it is in the first cache, and beside these products the next slice of B is packed.
//
// Lost, for AlexNet's fc6 with 32 rows on 2 cores: reading B in 192 bytes of each row at a time
// (input gradient 22.7 ms, 13.3 along memory); asking for the next slice rather than packing it
// (16.6 and 12.5 in a loop of its own); slices of 16 steps that are read as they lie, for up to 8
// rows (within noise); non-temporal stores of a weight gradient (nothing; columns first, 12%).
#include "core/spec/linear.h"

#include "core/formula/activation.h"
#include "core/plan/gemm.h"
#include "cpu/gemm/panels.h"
#include "cpu/gemm/tile.h"
#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

// body(tile's rows, its vectors), the smallest compiled ones that hold so many rows and columns.
template <class T, class Body>
STRIATE_INLINE void with_tile(int rows, int columns, const Body& body) {
  with_tile_rows(rows, [&](auto m) {
    with_tile_vectors(static_cast<int>(ceil_div(columns, Vec<T>::lanes)),
                      [&](auto v) { body(m, v); });
  });
}

// Where a tile's sums are kept: the first of them set it, the others are added.
template <class T>
struct TileSums {
  T* data;
  int64_t step;
  int rows, columns;
  bool first;
};

template <class T, int rows, int vectors, class AStrides, class BRows, class Beside = Nothing>
__attribute__((noinline)) void sum_tile(int64_t depth, const T* a, AStrides strides, const T* b,
                                        BRows b_rows, const TileSums<T>& sums,
                                        const Beside& beside = {}) {
  constexpr int lanes = Vec<T>::lanes;
  Vec<T> sum[rows][vectors];
  multiply_tile<T, rows, vectors>(depth, a, strides, b, b_rows, sum, beside);
#pragma GCC unroll 8
  for (int m = 0; m < rows; ++m) {
    if (m >= sums.rows) break;
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) {
      T* to = sums.data + m * sums.step + v * lanes;
      const int n = sums.columns - v * lanes < lanes ? sums.columns - v * lanes : lanes;
      if (n == lanes)
        (sums.first ? sum[m][v] : Vec<T>::load(to) + sum[m][v]).store(to);
      else
        (sums.first ? sum[m][v] : Vec<T>::load(to, n) + sum[m][v]).store(to, n);
    }
  }
}

template <class T>
struct TaskScratch {
  T* sums;     // [row panels][panels][kTileRows][kTileColumns], where they are not kept in C
  T* columns;  // [panels][depth][kTileColumns], twice where columns come first
  T* rows;     // [depth][kTileRows], where rows come first
};

template <class T>
TaskScratch<T> layout(const Gemm& g, bool in_place, void* buffer, size_t* bytes) {
  const int64_t sums = in_place ? 0 : g.rows_per_task * g.panels_per_task * kTileColumns<T>;
  const int64_t depth = least(g.depth, g.depth_per_slice);
  const int64_t columns = (g.columns_first ? 2 : 1) * g.panels_per_task * depth * kTileColumns<T>;
  const int64_t rows = g.columns_first ? 0 : depth * kTileRows;
  T* start = static_cast<T*>(buffer);
  if (bytes != nullptr) *bytes = static_cast<size_t>(sums + columns + rows) * sizeof(T);
  return {start, start + sums, start + sums + columns};
}

// Writes a tile along memory.
template <class T>
void write_tile(const Gemm& g, const T* sums, int rows, int columns, const T* bias, bool relu,
                T* c) {
  if (g.c_column == 1) {
    for (int m = 0; m < rows; ++m) {
      const Vec<T> own = Vec<T>::set(bias == nullptr ? T(0) : bias[m]);
      for_each_vector<T>(0, columns, [&](int64_t i, int n) {
        Vec<T> value = Vec<T>::load(sums + m * kTileColumns<T> + i, n);
        if (bias != nullptr) value = value + own;
        (relu ? formula::relu(value) : value).store(c + m * g.c_row + i, n);
      });
    }
    return;
  }
  for (int n = 0; n < columns; ++n)
    for (int m = 0; m < rows; ++m) {
      T value = sums[m * kTileColumns<T> + n];
      if (bias != nullptr) value += bias[m];
      c[m * g.c_row + n * g.c_column] = relu ? formula::relu(value) : value;
    }
}

// A task's piece of C, and where its tiles keep their sums.
template <class T>
struct Task {
  const Gemm& g;
  bool in_place;
  T* c;
  TaskScratch<T> scratch;
  int64_t first_row, rows, first_column, columns, panels;

  Task(const Gemm& gemm, bool sums_in_c, int64_t task, T* result, void* buffer)
      : g(gemm),
        in_place(sums_in_c),
        c(result),
        scratch(layout<T>(gemm, sums_in_c, buffer, nullptr)),
        first_row(task / gemm.column_tasks * gemm.rows_per_task),
        rows(least(gemm.rows_per_task, gemm.rows - first_row)),
        first_column(task % gemm.column_tasks * gemm.panels_per_task * kTileColumns<T>),
        columns(least(gemm.panels_per_task * kTileColumns<T>, gemm.columns - first_column)),
        panels(ceil_div(columns, kTileColumns<T>)) {}

  STRIATE_INLINE int height(int64_t r) const {
    return static_cast<int>(least(kTileRows, rows - r));
  }
  STRIATE_INLINE int width(int64_t p) const {
    return static_cast<int>(least(kTileColumns<T>, columns - p * kTileColumns<T>));
  }
  STRIATE_INLINE T* result(int64_t r, int64_t p) const {
    return c + (first_row + r) * g.c_row + (first_column + p * kTileColumns<T>)*g.c_column;
  }
  STRIATE_INLINE T* own_sums(int64_t r, int64_t p) const {
    return scratch.sums +
           (r / kTileRows * g.panels_per_task + p) * int64_t{kTileRows} * kTileColumns<T>;
  }
  STRIATE_INLINE TileSums<T> sums(int64_t r, int64_t p, bool first) const {
    if (in_place) return {result(r, p), g.c_row, height(r), width(p), first};
    return {own_sums(r, p), kTileColumns<T>, kTileRows, kTileColumns<T>, first};
  }
};

// The products of one slice of the depth, rows first: each panel of rows meets all panels of
// columns.
template <class T>
void add_rows_first(const Task<T>& task, int64_t k, int64_t depth, const T* a, const T* b) {
  const Gemm& g = task.g;
  const auto columns_of = [&](int64_t p) {
    return task.scratch.columns + p * depth * kTileColumns<T>;
  };
  if (g.b_column == 1) {
    SlicePacker<T>(b + k * g.b_step + task.first_column, g.b_step, task.columns, depth,
                   task.scratch.columns)
        .pack_rest();
  } else {
    for (int64_t p = 0; p < task.panels; ++p)
      pack_columns(g, b, task.first_column + p * kTileColumns<T>, task.width(p), k, depth,
                   columns_of(p));
  }
  for (int64_t r = 0; r < task.rows; r += kTileRows) {
    // What lies along memory need not be packed, but an unpacked tile reads all its rows.
    const int height = task.height(r);
    const bool direct = g.a_step == 1 && (height == kTileRows || height == 4 || height <= 2);
    if (!direct) pack_rows(g, a, task.first_row + r, height, k, depth, task.scratch.rows);
    for (int64_t p = 0; p < task.panels; ++p) {
      const TileSums<T> sums = task.sums(r, p, k == 0);
      with_tile<T>(height, task.width(p), [&](auto tile_rows, auto vectors) {
        constexpr int m = decltype(tile_rows)::get, v = decltype(vectors)::get;
        if (direct)
          sum_tile<T, m, v>(depth, a + (task.first_row + r) * g.a_row + k * g.a_step,
                            StepsTogether{g.a_row}, columns_of(p), PanelRows<T>{}, sums);
        else
          sum_tile<T, m, v>(depth, task.scratch.rows, PackedRows{}, columns_of(p), PanelRows<T>{},
                            sums);
      });
    }
  }
}

// A task whose columns come first: a panel of them meets all panels of rows, packed before, while
// it is in the first cache; beside the products the next slice of B is packed.
template <class T>
void add_columns_first(const Task<T>& task, const T* packed_rows, const T* b) {
  const Gemm& g = task.g;
  const int64_t row_panels = ceil_div(task.rows, kTileRows);
  T* slices[2] = {task.scratch.columns,
                  task.scratch.columns + g.panels_per_task * g.depth_per_slice * kTileColumns<T>};
  const auto packer = [&](int64_t k, T* to) {
    return SlicePacker<T>(b + k * g.b_step + task.first_column, g.b_step, task.columns,
                          greatest(least(g.depth_per_slice, g.depth - k), 0), to);
  };
  packer(0, slices[0]).pack_rest();
  for (int64_t k = 0; k < g.depth; k += g.depth_per_slice) {
    const int64_t depth = least(g.depth_per_slice, g.depth - k);
    SlicePacker<T> next = packer(k + depth, slices[1]);
    const int64_t share = ceil_div(kStepsPerPiece<T>, row_panels);
    const auto beside = [&] { next.pack(share); };
    for (int64_t p = 0; p < task.panels; ++p)
      for (int64_t r = 0; r < task.rows; r += kTileRows) {
        const T* rows = packed_rows + (task.first_row + r) * g.depth + k * kTileRows;
        const T* columns = slices[0] + p * depth * kTileColumns<T>;
        with_tile<T>(task.height(r), task.width(p), [&](auto tile_rows, auto vectors) {
          sum_tile<T, decltype(tile_rows)::get, decltype(vectors)::get>(
              depth, rows, PackedRows{}, columns, PanelRows<T>{}, task.sums(r, p, k == 0), beside);
        });
      }
    next.pack_rest();
    T* const done = slices[0];
    slices[0] = slices[1];
    slices[1] = done;
  }
}

// `packed_rows` where columns come first.
template <class T>
void run_task(const Gemm& g, bool in_place, int64_t index, const T* a, const T* packed_rows,
              const T* b, const T* row_bias, bool relu, T* c, void* buffer) {
  const Task<T> task(g, in_place, index, c, buffer);
  if (g.columns_first)
    add_columns_first(task, packed_rows, b);
  else
    for (int64_t k = 0; k < g.depth || k == 0; k += g.depth_per_slice)
      add_rows_first(task, k, least(g.depth_per_slice, g.depth - k), a, b);
  if (in_place) return;
  for (int64_t r = 0; r < task.rows; r += kTileRows)
    for (int64_t p = 0; p < task.panels; ++p)
      write_tile(g, task.own_sums(r, p), task.height(r), task.width(p),
                 row_bias == nullptr ? nullptr : row_bias + task.first_row + r, relu,
                 task.result(r, p));
}

template <class T>
void gemm(const Gemm& shape, const T* a, const T* b, const T* row_bias, bool relu, T* c,
          const Context& context) {
  const Gemm g = plan_gemm(shape, {kTileRows, kTileColumns<T>});
  if (g.rows == 0 || g.columns == 0) return;
  const bool in_place = g.c_column == 1 && row_bias == nullptr && !relu &&
                        !(g.columns_first && g.depth > g.depth_per_slice);
  const Workspace<T> packed(
      context, g.columns_first ? ceil_div(g.rows, kTileRows) * kTileRows * g.depth : 0);
  if (g.columns_first) pack_all_rows(g, a, packed.data(), context);
  size_t scratch = 0;
  layout<T>(g, in_place, nullptr, &scratch);
  parallel_for(context, g.row_tasks * g.column_tasks, scratch, [&](int64_t task, void* buffer) {
    run_task(g, in_place, task, a, packed.data(), b, row_bias, relu, c, buffer);
  });
}

// y transposed = w x transposed: w's rows are read as they lie, broadcast; only x is packed.
template <class T>
void linear(const LinearProblem& p, const T* x, const T* w, const T* bias, bool relu, T* y,
            const Context& context) {
  Gemm g{};
  g.rows = p.out_features;
  g.columns = p.rows;
  g.depth = p.in_features;
  g.a_row = p.in_features;
  g.a_step = 1;
  g.b_step = 1;
  g.b_column = p.in_features;
  g.c_row = 1;
  g.c_column = p.out_features;
  gemm(g, w, x, bias, relu, y, context);
}

// The gradient behind the fused activation, in a buffer of the call's own.
template <class T, class Body>
void with_masked(int64_t count, const T* dy, const T* y, const Context& context, const Body& body) {
  if (y == nullptr) return body(dy);
  T* masked = static_cast<T*>(context.allocate(static_cast<size_t>(count) * sizeof(T)));
  parallel_elements(context, count, [=](int64_t begin, int64_t end) {
    for_each_vector<T>(begin, end, [=](int64_t i, int n) {
      formula::relu_grad(Vec<T>::load(dy + i, n), Vec<T>::load(y + i, n)).store(masked + i, n);
    });
  });
  body(masked);
  context.deallocate(masked);
}

template <class T>
void input_grad(const LinearProblem& p, const T* dy, const T* w, const T* y, T* dx,
                const Context& context) {
  Gemm g{};
  g.rows = p.rows;
  g.columns = p.in_features;
  g.depth = p.out_features;
  g.a_row = p.out_features;
  g.a_step = 1;
  g.b_step = p.in_features;
  g.b_column = 1;
  g.c_row = p.in_features;
  g.c_column = 1;
  with_masked(p.rows * p.out_features, dy, y, context,
              [&](const T* a) { gemm<T>(g, a, w, nullptr, false, dx, context); });
}

template <class T>
void weight_grad(const LinearProblem& p, const T* dy, const T* x, const T* y, T* dw,
                 const Context& context) {
  Gemm g{};
  g.rows = p.out_features;
  g.columns = p.in_features;
  g.depth = p.rows;
  g.a_row = 1;
  g.a_step = p.out_features;
  g.b_step = p.in_features;
  g.b_column = 1;
  g.c_row = p.in_features;
  g.c_column = 1;
  with_masked(p.rows * p.out_features, dy, y, context,
              [&](const T* a) { gemm<T>(g, a, x, nullptr, false, dw, context); });
}

}  // namespace

const LinearKernels<float> linear_f32 = {linear<float>, input_grad<float>, weight_grad<float>};
const LinearKernels<double> linear_f64 = {linear<double>, input_grad<double>, weight_grad<double>};

}  // namespace striate::cpu::STRIATE_ISA
