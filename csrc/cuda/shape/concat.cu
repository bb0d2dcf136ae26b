// Joining arrays along an axis, and cutting them apart: copies of rows, a launch for each part.
#include "cuda/index.h"
#include "cuda/kernels.h"
#include "cuda/launch.h"

namespace striate::cuda {
namespace {

// rows of `width` elements from one pitch to another; E is the element or a pack of them.
template <class E>
__global__ void copy_rows_kernel(int64_t count, const __grid_constant__ Divisor width,
                                 const E* __restrict__ from, int64_t from_pitch, E* __restrict__ to,
                                 int64_t to_pitch) {
  for (int64_t i = thread_index(); i < count; i += thread_count()) {
    const Division d = divide(i, width);
    to[d.quotient * to_pitch + d.remainder] = from[d.quotient * from_pitch + d.remainder];
  }
}

template <class T>
void copy_rows(const char* what, int64_t rows, int64_t width, const T* from, int64_t from_pitch,
               T* to, int64_t to_pitch, const Context& context) {
  constexpr int size = Pack<T>::size;
  const bool packs = width % size == 0 && from_pitch % size == 0 && to_pitch % size == 0 &&
                     is_aligned(from) && is_aligned(to);
  const int64_t count = rows * width / (packs ? size : 1);
  if (packs)
    launch(what, copy_rows_kernel<Pack<T>>, blocks_for(count), kThreads, 0, context, count,
           Divisor(width / size, count), reinterpret_cast<const Pack<T>*>(from), from_pitch / size,
           reinterpret_cast<Pack<T>*>(to), to_pitch / size);
  else
    launch(what, copy_rows_kernel<T>, blocks_for(count), kThreads, 0, context, count,
           Divisor(width, count), from, from_pitch, to, to_pitch);
}

// body(part, offset in a row)
template <class Body>
void for_each_part(const ConcatProblem& p, const int64_t* widths, const Body& body) {
  int64_t offset = 0;
  for (int64_t part = 0; offset < p.row; ++part) {
    if (widths[part] > 0) body(part, offset);
    offset += widths[part];
  }
}

template <class T>
void concat(const ConcatProblem& p, const T* const* arrays, const int64_t* widths, T* y,
            const Context& context) {
  for_each_part(p, widths, [&](int64_t part, int64_t offset) {
    copy_rows("concat", p.rows, widths[part], arrays[part], widths[part], y + offset, p.row,
              context);
  });
}

template <class T>
void concat_grad(const ConcatProblem& p, const T* dy, const int64_t* widths, T* const* dxs,
                 const Context& context) {
  for_each_part(p, widths, [&](int64_t part, int64_t offset) {
    copy_rows("concat_grad", p.rows, widths[part], dy + offset, p.row, dxs[part], widths[part],
              context);
  });
}

}  // namespace

const ConcatKernels<float> concat_f32 = {concat<float>, concat_grad<float>};
const ConcatKernels<double> concat_f64 = {concat<double>, concat_grad<double>};

}  // namespace striate::cuda
