// Constant padding of planes, and its gradient, which cuts the padding off.
#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

// body(first row, end) over all rows of all planes, in chunks of about kElementsPerChunk elements.
template <class Body>
STRIATE_INLINE void for_each_block(int64_t rows, int64_t width, const Context& context,
                                   const Body& body) {
  if (rows == 0 || width == 0) return;
  const int64_t block = width < kElementsPerChunk ? kElementsPerChunk / width : 1;
  parallel_for(context, ceil_div(rows, block), 0, [&](int64_t chunk, void*) {
    const int64_t end = (chunk + 1) * block;
    body(chunk * block, end < rows ? end : rows);
  });
}

template <class T>
STRIATE_INLINE void fill(T* y, int64_t count, T value) {
  for (int64_t i = 0; i < count; ++i) y[i] = value;
}

template <class T>
void pad(const PadProblem& p, const T* x, T value, T* y, const Context& context) {
  const int64_t rows = p.batch * p.channels * p.out_height;
  for_each_block(rows, p.out_width, context, [&, value](int64_t first, int64_t end) {
    for (int64_t row = first; row < end; ++row) {
      const int64_t plane = row / p.out_height;
      const int64_t i = row - plane * p.out_height - p.top;
      T* to = y + row * p.out_width;
      if (i < 0 || i >= p.in_height) {
        fill(to, p.out_width, value);
        continue;
      }
      fill(to, p.left, value);
      to += p.left;
      __builtin_memcpy(to, x + (plane * p.in_height + i) * p.in_width, p.in_width * sizeof(T));
      fill(to + p.in_width, p.out_width - p.left - p.in_width, value);
    }
  });
}

template <class T>
void pad_grad(const PadProblem& p, const T* dy, T* dx, const Context& context) {
  const int64_t rows = p.batch * p.channels * p.in_height;
  for_each_block(rows, p.in_width, context, [&](int64_t first, int64_t end) {
    for (int64_t row = first; row < end; ++row) {
      const int64_t plane = row / p.in_height;
      const int64_t i = row - plane * p.in_height + p.top;
      const T* from = dy + (plane * p.out_height + i) * p.out_width + p.left;
      __builtin_memcpy(dx + row * p.in_width, from, p.in_width * sizeof(T));
    }
  });
}

}  // namespace

const PadKernels<float> pad_f32 = {pad<float>, pad_grad<float>};
const PadKernels<double> pad_f64 = {pad<double>, pad_grad<double>};

}  // namespace striate::cpu::STRIATE_ISA
