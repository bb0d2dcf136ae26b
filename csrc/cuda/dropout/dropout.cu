// Inverted dropout, without a mask in memory: see cuda/philox.h.
#include "cuda/kernels.h"
#include "cuda/map.h"
#include "cuda/philox.h"

namespace striate::cuda {
namespace {

// A thread takes the four elements of a counter.
template <class T>
__global__ void dropout_kernel(int64_t count, formula::PhiloxKey key, uint64_t offset,
                               uint32_t below, T scale, const T* __restrict__ x,
                               T* __restrict__ y) {
  constexpr int size = Pack<T>::size;
  const bool aligned = is_aligned(x) && is_aligned(y);
  for (int64_t i = thread_index() * 4; i < count; i += thread_count() * 4) {
    const RandomWords words = random_words(key, offset + static_cast<uint64_t>(i) / 4);
    STRIATE_UNROLL
    for (int first = 0; first < 4; first += size) {
      const int64_t at = i + first;
      if (at >= count) break;
      const bool whole = aligned && at + size <= count;
      Pack<T> pack = load_pack(x + at, count - at, whole);
      STRIATE_UNROLL
      for (int k = 0; k < size; ++k)
        pack.at[k] = words.at[first + k] < below ? T(0) : pack.at[k] * scale;
      store_pack(y + at, pack, count - at, whole);
    }
  }
}

template <class T>
void dropout(const DropoutProblem& p, const T* x, T* y, const Context& context) {
  const uint64_t threshold = p.threshold();
  if (threshold > 0xFFFFFFFFu) {  // all
    set_zero("dropout", y, p.count, context);
    return;
  }
  launch("dropout", dropout_kernel<T>, blocks_for(ceil_div(p.count, 4)), kThreads, 0, context,
         p.count, formula::philox_key(p.seed), p.offset, static_cast<uint32_t>(threshold),
         static_cast<T>(1 / (1 - p.p)), x, y);
}

}  // namespace

const DropoutKernels<float> dropout_f32 = {dropout<float>};
const DropoutKernels<double> dropout_f64 = {dropout<double>};

}  // namespace striate::cuda
