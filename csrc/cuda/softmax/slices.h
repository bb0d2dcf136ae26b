// Work on slices, one along an axis each: by a thread where the slices' elements lie apart, so that
// neighbouring threads have neighbouring slices, else by some lanes of a warp or, for long ones, by
// a block, a pack an access where the length allows it.
//
// The shape alone says so, and arrays that are not aligned go the same way element by element: the
// order of sums, and so the bits, do not depend on how arrays are aligned.
#pragma once

#include "core/formula/exp_log.h"
#include "cuda/index.h"
#include "cuda/reduce.h"

namespace striate::cuda {
namespace {

struct ThreadGroup {
  STRIATE_DEVICE int64_t rank() const { return 0; }
  static constexpr STRIATE_DEVICE int64_t size() { return 1; }
  template <class V, class Merge>
  STRIATE_DEVICE V reduce(V value, const Merge&) const {
    return value;
  }
  __device__ static int64_t first() { return thread_index(); }
  __device__ static int64_t count() { return thread_count(); }
};

// Lanes of a warp.
template <int kLanes>
struct LaneGroup {
  __device__ int64_t rank() const { return threadIdx.x % kLanes; }
  static constexpr STRIATE_DEVICE int64_t size() { return kLanes; }
  template <class V, class Merge>
  __device__ V reduce(V value, const Merge& merge) const {
    return warp_reduce_all<kLanes>(value, merge);
  }
  __device__ static int64_t first() { return thread_index() / kLanes; }
  __device__ static int64_t count() { return thread_count() / kLanes; }
};

struct BlockGroup {
  __device__ int64_t rank() const { return threadIdx.x; }
  static constexpr STRIATE_DEVICE int64_t size() { return kThreads; }
  template <class V, class Merge>
  __device__ V reduce(V value, const Merge& merge) const {
    return block_reduce(value, merge);
  }
  __device__ static int64_t first() { return blockIdx.x; }
  __device__ static int64_t count() { return gridDim.x; }
};

// Slices of (outer, classes, inner) along the middle axis.
struct Slices {
  int64_t count, classes, inner;
  Divisor inner_divisor;

  Slices(int64_t outer, int64_t class_count, int64_t inner_size)
      : count(outer * inner_size),
        classes(class_count),
        inner(inner_size),
        inner_divisor(inner_size, outer * inner_size) {}
  // Where slice i begins; its elements are `inner` apart.
  STRIATE_DEVICE int64_t begin(int64_t i) const {
    const Division d = divide(i, inner_divisor);
    return d.quotient * classes * inner + d.remainder;
  }
};

// A thread's part of the work on a slice: runs of kRun elements, group.size() runs apart. A batch
// of them is read before the first one is needed and stays in registers, so that a slice which is
// one batch is read once.
template <class T, class Group, int kElements>
class Part {
 public:
  // Where the elements lie apart, their addresses need registers too.
  static constexpr int kHeld = Group::size() == 1 ? kBatch<T> * 3 / 4 : kBatch<T>;
  static constexpr int kRun = kElements, kRuns = kHeld / kRun;

  const Group group;
  const int64_t slice, begin;  // its number, and where it begins
  const int64_t classes, step;

  STRIATE_DEVICE Part(const Slices& slices, int64_t i)
      : group{},
        slice(i),
        begin(slices.begin(i)),
        classes(slices.classes),
        step(Group::size() == 1 ? slices.inner : 1) {}

  // A batch of this thread's elements of an array.
  class Held {
   public:
    STRIATE_DEVICE explicit Held(const T* array) : array_(array), aligned_(is_aligned(array)) {}
    // Of the batch that begins with class `first`; places without an element repeat the first one.
    STRIATE_DEVICE void load(const Part& part, int64_t first) {
      if (first == first_) return;
      first_ = first;
      const int runs = part.runs(first);
      STRIATE_UNROLL
      for (int k = 0; k < kRuns; ++k)
        if (k < runs) load_run(array_ + part.offset(part.class_at(first, k)), aligned_, run[k]);
      STRIATE_UNROLL
      for (int k = 0; k < kRuns; ++k) STRIATE_UNROLL
      for (int j = 0; j < kRun; ++j)
        if (k >= runs) run[k][j] = runs == 0 ? T(0) : run[0][0];
    }
    T run[kRuns][kRun];

   private:
    const T* array_;
    bool aligned_;
    int64_t first_ = -1;
  };

  // Whether a batch has all: what is held then stays from one sweep to the next, changed or not.
  STRIATE_DEVICE bool is_one_batch() const { return classes <= batch(); }
  // The runs of this thread in the batch that begins with class `first`, and the class of run k.
  STRIATE_DEVICE int runs(int64_t first) const {
    const int64_t left = classes - first - group.rank() * kRun;
    return left <= 0 ? 0 : static_cast<int>(least(ceil_div(left, group.size() * kRun), kRuns));
  }
  STRIATE_DEVICE int64_t class_at(int64_t first, int k) const {
    return first + (k * group.size() + group.rank()) * kRun;
  }
  STRIATE_DEVICE int64_t offset(int64_t c) const { return begin + c * step; }

  // body(the batch's first class), with the batch in each of `held`.
  template <class Body, class... Arrays>
  __device__ __forceinline__ void for_each_batch(const Body& body, Arrays&... held) const {
    for (int64_t first = 0; first < classes; first += batch()) {
      (held.load(*this, first), ...);
      body(first);
    }
  }
  // visit(k, its first class) for the runs of a batch.
  template <class Visit>
  __device__ __forceinline__ void for_each_run(int64_t first, const Visit& visit) const {
    const int count = runs(first);
    STRIATE_UNROLL
    for (int k = 0; k < kRuns; ++k)
      if (k < count) visit(k, class_at(first, k));
  }

  // The greatest of the slice; NaN where it has one.
  __device__ __forceinline__ T greatest(Held& held) const {
    T top = static_cast<T>(-__builtin_inf());
    const auto add = [&](int k, int64_t) {
      STRIATE_UNROLL
      for (int j = 0; j < kRun; ++j) top = Greatest{}(top, held.run[k][j]);
    };
    for_each_batch([&](int64_t first) { for_each_run(first, add); }, held);
    return group.reduce(top, Greatest{});
  }

  // The sum of term(class, elements) over the slice.
  template <class Term, class... Arrays>
  __device__ __forceinline__ double sum(const Term& term, Arrays&... held) const {
    double all = 0;
    T some = 0;  // of a batch
    const auto add = [&](int k, int64_t c) {
      STRIATE_UNROLL
      for (int j = 0; j < kRun; ++j) some += term(c + j, held.run[k][j]...);
    };
    const auto add_batch = [&](int64_t first) {
      some = 0;
      for_each_run(first, add);
      all += static_cast<double>(some);
    };
    for_each_batch(add_batch, held...);
    return group.reduce(all, Plus{});
  }

  // Stores what fill(k, class, run) puts in the place of a run.
  template <class Fill, class... Arrays>
  __device__ __forceinline__ void store_runs(T* to, const Fill& fill, Arrays&... held) const {
    const bool aligned = is_aligned(to);
    const auto store_one = [&](int k, int64_t c) {
      T run[kRun];
      fill(k, c, run);
      store_run(to + offset(c), aligned, run);
    };
    for_each_batch([&](int64_t first) { for_each_run(first, store_one); }, held...);
  }
  // Stores element(class, elements).
  template <class Element, class... Arrays>
  __device__ __forceinline__ void store(T* to, const Element& element, Arrays&... held) const {
    const auto fill = [&](int k, int64_t c, T(&run)[kRun]) {
      STRIATE_UNROLL
      for (int j = 0; j < kRun; ++j) run[j] = element(c + j, held.run[k][j]...);
    };
    store_runs(to, fill, held...);
  }

 private:
  STRIATE_DEVICE int64_t batch() const { return group.size() * (kRuns * kRun); }
};

// f(part)
template <class T, class Group, int kRun, class F>
__global__ void slices_kernel(const __grid_constant__ Slices slices, const __grid_constant__ F f) {
  for (int64_t i = Group::first(); i < slices.count; i += Group::count())
    f(Part<T, Group, kRun>(slices, i));
}

// By groups of this kind, `blocks` of them.
template <class T, class Group, class F>
void for_contiguous_slices(const char* what, const Slices& slices, int64_t blocks, const F& f,
                           const Context& context) {
  constexpr int size = Pack<T>::size;
  const auto kernel =
      slices.classes % size == 0 ? slices_kernel<T, Group, size, F> : slices_kernel<T, Group, 1, F>;
  launch(what, kernel, blocks, kThreads, 0, context, slices, f);
}

template <class T, class F>
void for_each_slice(const char* what, const Slices& slices, const F& f, const Context& context) {
  constexpr int64_t kOwn = kBatch<T>, kFew = 8, kWarp = 32;  // elements of a thread; lanes
  const int64_t count = slices.count, classes = slices.classes;
  if (slices.inner > 1)
    launch(what, slices_kernel<T, ThreadGroup, 1, F>, blocks_for(count), kThreads, 0, context,
           slices, f);
  else if (classes <= kFew * kOwn)  // several to a warp, or too little of them would be under way
    for_contiguous_slices<T, LaneGroup<kFew>>(what, slices, blocks_for(count * kFew), f, context);
  else if (classes <= kWarp * kOwn)
    for_contiguous_slices<T, LaneGroup<kWarp>>(what, slices, blocks_for(count * kWarp), f, context);
  else
    for_contiguous_slices<T, BlockGroup>(what, slices, count, f, context);
}

template <class T>
STRIATE_DEVICE T exp_of(T x) {
  return formula::exp(Lane<T>{x}).value;
}

STRIATE_DEVICE double log_of(double x) { return formula::log(Lane<double>{x}).value; }

}  // namespace
}  // namespace striate::cuda
