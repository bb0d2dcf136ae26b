// One pass over the elements of many tensors.
#pragma once

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

}  // namespace
}  // namespace striate::cpu
