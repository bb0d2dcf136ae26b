// Joining arrays along an axis, and cutting them apart: nothing but copies of runs.
#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

// Calls body(part, offset in the part, offset in the joined array, elements) for each run of the
// joined array that comes from one part. Chunks are ranges of the joined array.
template <class Body>
STRIATE_INLINE void for_each_run(const ConcatProblem& p, const int64_t* widths,
                                 const Context& context, const Body& body) {
  parallel_elements(context, p.rows * p.row, [&](int64_t begin, int64_t end) {
    while (begin < end) {
      const int64_t row = begin / p.row;
      int64_t skipped = begin - row * p.row;  // of the row, then of the part
      int64_t part = 0;
      for (; skipped >= widths[part]; ++part) skipped -= widths[part];
      for (const int64_t row_end = (row + 1) * p.row; begin < end && begin < row_end; ++part) {
        const int64_t left = widths[part] - skipped;
        const int64_t length = left < end - begin ? left : end - begin;
        body(part, row * widths[part] + skipped, begin, length);
        begin += length;
        skipped = 0;
      }
    }
  });
}

template <class T>
void concat(const ConcatProblem& p, const T* const* arrays, const int64_t* widths, T* y,
            const Context& context) {
  for_each_run(p, widths, context, [=](int64_t part, int64_t own, int64_t joined, int64_t length) {
    __builtin_memcpy(y + joined, arrays[part] + own, length * sizeof(T));
  });
}

template <class T>
void concat_grad(const ConcatProblem& p, const T* dy, const int64_t* widths, T* const* dxs,
                 const Context& context) {
  for_each_run(p, widths, context, [=](int64_t part, int64_t own, int64_t joined, int64_t length) {
    __builtin_memcpy(dxs[part] + own, dy + joined, length * sizeof(T));
  });
}

}  // namespace

const ConcatKernels<float> concat_f32 = {concat<float>, concat_grad<float>};
const ConcatKernels<double> concat_f64 = {concat<double>, concat_grad<double>};

}  // namespace striate::cpu::STRIATE_ISA
