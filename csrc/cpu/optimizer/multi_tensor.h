// One pass over the elements of many tensors.
#pragma once

#include "core/formula/step.h"
#include "cpu/parallel.h"

namespace striate::cpu {
namespace {

// The chunks that parallel_tensors cuts.
template <class Tensor>
STRIATE_INLINE int64_t tensor_chunks(const Tensor* tensors, int64_t count) {
  int64_t chunks = 0;
  for (int64_t i = 0; i < count; ++i) chunks += ceil_div(tensors[i].count, kElementsPerChunk);
  return chunks;
}

// body(tensor, begin, end, chunk) over every tensor's elements, in chunks that never span two.
template <class Tensor, class Body>
STRIATE_INLINE void parallel_tensors(const Context& context, const Tensor* tensors, int64_t count,
                                     const Body& body) {
  // first[i]: the chunks before tensor i.
  int64_t* first =
      static_cast<int64_t*>(context.allocate(static_cast<size_t>(count + 1) * sizeof(int64_t)));
  first[0] = 0;
  for (int64_t i = 0; i < count; ++i)
    first[i + 1] = first[i] + ceil_div(tensors[i].count, kElementsPerChunk);
  parallel_for(context, first[count], 0, [&](int64_t chunk, void*) {
    int64_t low = 0, high = count;  // first[low] <= chunk < first[high]
    while (high - low > 1) {
      const int64_t middle = (low + high) / 2;
      (first[middle] <= chunk ? low : high) = middle;
    }
    const int64_t begin = (chunk - first[low]) * kElementsPerChunk;
    const int64_t end = begin + kElementsPerChunk;
    body(tensors[low], begin, end < tensors[low].count ? end : tensors[low].count, chunk);
  });
  context.deallocate(first);
}

// The one pass of an optimizer's step: update_of(tensor) gives a tensor's update(i, n, g, w), which
// changes the n parameters w from element i on, given their clipped gradients g.
template <class T, class Tensor, class UpdateOf>
STRIATE_INLINE void step_tensors(const Clip& clip, const Tensor* tensors, int64_t count,
                                 const Context& context, const UpdateOf& update_of) {
  const formula::ClipFactors<T> f = formula::clip_factors<T>(clip);
  parallel_tensors(
      context, tensors, count, [=](const Tensor& t, int64_t begin, int64_t end, int64_t) {
        const auto update = update_of(t);
        T* const param = t.param;
        T* const average = t.average;
        const T* const grad = t.grad;
        const T share = static_cast<T>(t.share);
        for_each_vector<T>(begin, end, [=](int64_t i, int n) {
          Vec<T> w = Vec<T>::load(param + i, n);
          update(i, n, formula::clipped(f, Vec<T>::load(grad + i, n)), w);
          w.store(param + i, n);
          if (average != nullptr)
            formula::averaged(Vec<T>::load(average + i, n), w, share).store(average + i, n);
        });
      });
}

}  // namespace
}  // namespace striate::cpu
