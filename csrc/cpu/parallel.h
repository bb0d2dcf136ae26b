// How kernels hand work to the pool: chunks that the problem fixes, never the number of threads.
#pragma once

#include "core/context.h"
#include "core/integer.h"
#include "cpu/simd.h"

namespace striate::cpu {
namespace {

// body(chunk, scratch) for every chunk; scratch is this worker's own.
template <class Body>
STRIATE_INLINE void parallel_for(const Context& context, int64_t chunks, size_t scratch_bytes,
                                 const Body& body) {
  context.run(
      chunks, scratch_bytes,
      [](void* argument, int64_t chunk, void* scratch) {
        (*static_cast<const Body*>(argument))(chunk, scratch);
      },
      const_cast<Body*>(&body));
}

// A buffer that all chunks share, for the length of a call.
template <class T>
class Workspace {
 public:
  Workspace(const Context& context, int64_t elements)
      : context_(context),
        data_(elements > 0
                  ? static_cast<T*>(context.allocate(static_cast<size_t>(elements) * sizeof(T)))
                  : nullptr) {}
  ~Workspace() {
    if (data_ != nullptr) context_.deallocate(data_);
  }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  T* data() const { return data_; }

 private:
  const Context& context_;
  T* data_;
};

// Elements of one chunk of an elementwise kernel: some tens of microseconds of work.
inline constexpr int64_t kElementsPerChunk = 32768;

// body(begin, end) over [0, count) in chunks of kElementsPerChunk.
template <class Body>
STRIATE_INLINE void parallel_elements(const Context& context, int64_t count, const Body& body) {
  parallel_for(context, ceil_div(count, kElementsPerChunk), 0, [&](int64_t chunk, void*) {
    const int64_t begin = chunk * kElementsPerChunk;
    const int64_t end = begin + kElementsPerChunk;
    body(begin, end < count ? end : count);
  });
}

// body(i, n) for each vector of [begin, end): n lanes from i on, fewer in the last one.
template <class T, class Body>
STRIATE_INLINE void for_each_vector(int64_t begin, int64_t end, const Body& body) {
  constexpr int lanes = Vec<T>::lanes;
  int64_t i = begin;
  for (; i + lanes <= end; i += lanes) body(i, lanes);
  if (i < end) body(i, static_cast<int>(end - i));
}

// body(i) for each whole VecPair of [begin, end); returns where the rest begins.
template <class T, class Body>
STRIATE_INLINE int64_t for_each_pair(int64_t begin, int64_t end, const Body& body) {
  int64_t i = begin;
  for (; i + VecPair<T>::lanes <= end; i += VecPair<T>::lanes) body(i);
  return i;
}

}  // namespace
}  // namespace striate::cpu
