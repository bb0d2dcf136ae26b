// Matrix products over strided matrices, and the linear layer's three of them. A task owns a piece
// of C. For one block of the depth after another it packs B's columns in panels, packs one panel of
// A's rows after another, and multiplies. Where the columns of B lie side by side in memory, they
// are packed while they are multiplied with the first rows, which hides most of that. The sums are
// kept in C itself where it has the order of a tile, else in scratch until the end. Rows of A are
// not packed where there is one panel of columns: that would cost as much as it saves.
#include "core/spec/linear.h"

#include "core/formula/activation.h"
#include "core/plan/gemm.h"
#include "cpu/gemm/tile.h"
#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

// `columns` columns of B from step k on, as [depth][kTileColumns]; `vectors` of each row are
// written.
template <class T>
void pack_columns(const Gemm& g, const T* b, int64_t column, int columns, int64_t k, int64_t depth,
                  T* out) {
  constexpr int lanes = Vec<T>::lanes;
  const T* from = b + k * g.b_step + column * g.b_column;
  if (g.b_column == 1) {
    for (int64_t i = 0; i < depth; ++i, from += g.b_step, out += kTileColumns<T>)
      for (int v = 0; v * lanes < columns; ++v)
        Vec<T>::load(from + v * lanes, static_cast<int>(least(lanes, columns - v * lanes)))
            .store(out + v * lanes);
    return;
  }
  const int width = static_cast<int>(ceil_div(columns, lanes)) * lanes;
  for (int n = 0; n < width; ++n)
    for (int64_t i = 0; i < depth; ++i)
      out[i * kTileColumns<T> + n] = n < columns ? from[n * g.b_column + i * g.b_step] : T(0);
}

// One panel of rows of A, [depth][kTileRows].
template <class T>
void pack_rows(const Gemm& g, const T* a, int64_t row, int rows, int64_t k, int64_t depth, T* out) {
  const T* from = a + row * g.a_row + k * g.a_step;
  if (g.a_row == 1 && rows == kTileRows) {
    for (int64_t i = 0; i < depth; ++i)
      __builtin_memcpy(out + i * kTileRows, from + i * g.a_step, kTileRows * sizeof(T));
    return;
  }
  for (int m = 0; m < kTileRows; ++m)
    for (int64_t i = 0; i < depth; ++i)
      out[i * kTileRows + m] = m < rows ? from[m * g.a_row + i * g.a_step] : T(0);
}

// Rows of B, a whole panel wide, that are packed when a tile reads them.
template <class T>
struct RowsToPack {
  const T* from;
  int64_t step;
  T* to;

  STRIATE_INLINE int64_t at(int64_t k) const {
    constexpr int64_t kAhead = 16;  // they lie too far apart for the processor to see what is next
    const T* row = from + k * step;
#pragma GCC unroll 4
    for (int v = 0; v < kTileVectors; ++v) {
      __builtin_prefetch(row + kAhead * step + v * Vec<T>::lanes);
      Vec<T>::load(row + v * Vec<T>::lanes).store(to + k * kTileColumns<T> + v * Vec<T>::lanes);
    }
    return k * step;
  }
};

// Where a tile's sums are kept: the first of them set it, the others are added.
template <class T>
struct TileSums {
  T* data;
  int64_t step;
  int rows, columns;
  bool first;
};

template <class T, int rows, int vectors, class AStrides, class BRows>
__attribute__((noinline)) void sum_tile(int64_t depth, const T* a, AStrides strides, const T* b,
                                        BRows b_rows, const TileSums<T>& sums) {
  constexpr int lanes = Vec<T>::lanes;
  Vec<T> sum[rows][vectors];
  multiply_tile<T, rows, vectors>(depth, a, strides, b, b_rows, sum);
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
  T* columns;  // [panels][depth][kTileColumns]
  T* rows;     // [depth][kTileRows]
};

template <class T>
TaskScratch<T> layout(const Gemm& g, bool in_place, void* buffer, size_t* bytes) {
  const int64_t sums = in_place ? 0 : g.rows_per_task * g.panels_per_task * kTileColumns<T>;
  const int64_t depth = least(g.depth, kDepthBlock);
  const int64_t columns = g.panels_per_task * depth * kTileColumns<T>, rows = depth * kTileRows;
  T* start = static_cast<T*>(buffer);
  if (bytes != nullptr) *bytes = static_cast<size_t>(sums + columns + rows) * sizeof(T);
  return {start, start + sums, start + sums + columns};
}

// Writes a tile where the longer run of memory is the inner loop.
template <class T>
void write_tile(const Gemm& g, const T* sums, int rows, int columns, const T* bias, bool relu,
                T* c) {
  const auto put = [&](int m, int n) {
    T value = sums[m * kTileColumns<T> + n];
    if (bias != nullptr) value += bias[m];
    c[m * g.c_row + n * g.c_column] = relu ? formula::relu(value) : value;
  };
  if (g.c_row == 1) {
    for (int n = 0; n < columns; ++n)
      for (int m = 0; m < rows; ++m) put(m, n);
  } else {
    for (int m = 0; m < rows; ++m)
      for (int n = 0; n < columns; ++n) put(m, n);
  }
}

template <class T>
void run_task(const Gemm& g, bool in_place, int64_t task, const T* a, const T* b, const T* row_bias,
              bool relu, T* c, void* buffer) {
  const TaskScratch<T> scratch = layout<T>(g, in_place, buffer, nullptr);
  const int64_t first_row = task / g.column_tasks * g.rows_per_task;
  const int64_t rows = least(g.rows_per_task, g.rows - first_row);
  const int64_t first_column = task % g.column_tasks * g.panels_per_task * kTileColumns<T>;
  const int64_t columns = least(g.panels_per_task * kTileColumns<T>, g.columns - first_column);
  const int64_t panels = ceil_div(columns, kTileColumns<T>);
  const auto height = [&](int64_t r) { return static_cast<int>(least(kTileRows, rows - r)); };
  const auto width = [&](int64_t p) {
    return static_cast<int>(least(kTileColumns<T>, columns - p * kTileColumns<T>));
  };
  const auto result = [&](int64_t r, int64_t p) {
    return c + (first_row + r) * g.c_row + (first_column + p * kTileColumns<T>)*g.c_column;
  };
  const auto own_sums = [&](int64_t r, int64_t p) {
    return scratch.sums +
           (r / kTileRows * g.panels_per_task + p) * int64_t{kTileRows} * kTileColumns<T>;
  };

  for (int64_t k = 0; k < g.depth || k == 0; k += kDepthBlock) {
    const int64_t depth = least(kDepthBlock, g.depth - k);
    const auto columns_of = [&](int64_t p) {
      return scratch.columns + p * depth * kTileColumns<T>;
    };
    const auto pack_on_the_way = [&](int64_t p) {
      return g.b_column == 1 && width(p) == kTileColumns<T> && rows >= kTileRows && panels > 1;
    };
    for (int64_t p = 0; p < panels; ++p)
      if (!pack_on_the_way(p))
        pack_columns(g, b, first_column + p * kTileColumns<T>, width(p), k, depth, columns_of(p));
    for (int64_t r = 0; r < rows; r += kTileRows) {
      // An unpacked tile reads all its rows, so it needs them to exist.
      const bool direct =
          panels == 1 && (height(r) == kTileRows || height(r) == 4 || height(r) <= 2);
      if (!direct) pack_rows(g, a, first_row + r, height(r), k, depth, scratch.rows);
      for (int64_t p = 0; p < panels; ++p) {
        const TileSums<T> sums =
            in_place
                ? TileSums<T>{result(r, p), g.c_row, height(r), width(p), k == 0}
                : TileSums<T>{own_sums(r, p), kTileColumns<T>, kTileRows, kTileColumns<T>, k == 0};
        if (r == 0 && pack_on_the_way(p)) {
          const T* from = b + k * g.b_step + first_column + p * kTileColumns<T>;
          sum_tile<T, kTileRows, kTileVectors>(depth, scratch.rows, PackedRows{}, from,
                                               RowsToPack<T>{from, g.b_step, columns_of(p)}, sums);
          continue;
        }
        with_tile_rows(height(r), [&](auto tile_rows) {
          with_tile_vectors(static_cast<int>(ceil_div(width(p), Vec<T>::lanes)), [&](auto vectors) {
            constexpr int m = decltype(tile_rows)::get, v = decltype(vectors)::get;
            constexpr EvenRows even{kTileColumns<T>};
            if (direct)
              sum_tile<T, m, v>(depth, a + (first_row + r) * g.a_row + k * g.a_step,
                                Strides{g.a_step, g.a_row}, columns_of(p), even, sums);
            else
              sum_tile<T, m, v>(depth, scratch.rows, PackedRows{}, columns_of(p), even, sums);
          });
        });
      }
    }
  }
  if (in_place) return;
  for (int64_t r = 0; r < rows; r += kTileRows)
    for (int64_t p = 0; p < panels; ++p)
      write_tile(g, own_sums(r, p), height(r), width(p),
                 row_bias == nullptr ? nullptr : row_bias + first_row + r, relu, result(r, p));
}

template <class T>
void gemm(const Gemm& shape, const T* a, const T* b, const T* row_bias, bool relu, T* c,
          const Context& context) {
  const Gemm g = plan_gemm(shape, {kTileRows, kTileColumns<T>});
  if (g.rows == 0 || g.columns == 0) return;
  const bool in_place = g.c_column == 1 && row_bias == nullptr && !relu;
  size_t scratch = 0;
  layout<T>(g, in_place, nullptr, &scratch);
  parallel_for(context, g.row_tasks * g.column_tasks, scratch, [&](int64_t task, void* buffer) {
    run_task(g, in_place, task, a, b, row_bias, relu, c, buffer);
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
