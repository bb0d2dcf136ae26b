// Inverted dropout. Element i is decided by word i % 4 of Philox's counter offset + i / 4, so a
// mask is never stored: the gradient is the same call on dy.
#include "cpu/kernels.h"
#include "cpu/parallel.h"
#include "cpu/philox.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

template <class T>
void dropout(const DropoutProblem& p, const T* x, T* y, const Context& context) {
  const uint64_t threshold = p.threshold();
  const bool drop_all = threshold > 0xFFFFFFFFu;
  const uint32_t below = static_cast<uint32_t>(threshold);
  const T scale = static_cast<T>(1 / (1 - p.p));
  const formula::PhiloxKey key = formula::philox_key(p.seed);
  constexpr int64_t group = kRandomWords;
  static_assert(kElementsPerChunk % group == 0, "a chunk starts at a counter");
  parallel_elements(context, p.count, [=](int64_t begin, int64_t end) {
    if (drop_all) {
      __builtin_memset(y + begin, 0, static_cast<size_t>(end - begin) * sizeof(T));
      return;
    }
    for (int64_t i = begin; i < end; i += group) {
      uint32_t words[group];
      random_words(key, p.offset + static_cast<uint64_t>(i) / 4, words);
      for_each_vector<T>(i, end < i + group ? end : i + group, [=, &words](int64_t at, int n) {
        const Mask<T> dropped = words_below<T>(words + (at - i), below);
        select(dropped, Vec<T>::zero(), Vec<T>::load(x + at, n) * Vec<T>::set(scale))
            .store(y + at, n);
      });
    }
  });
}

}  // namespace

const DropoutKernels<float> dropout_f32 = {dropout<float>};
const DropoutKernels<double> dropout_f64 = {dropout<double>};

}  // namespace striate::cpu::STRIATE_ISA
