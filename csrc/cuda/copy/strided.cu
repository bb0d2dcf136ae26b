#include "cuda/copy/strided.h"
#include "cuda/lane.h"
#include "cuda/launch.h"

namespace striate::cuda {
namespace {

__host__ __device__ inline int size_of_type(ElementType type) {
  switch (type) {
    case ElementType::i8:
    case ElementType::u8:
      return 1;
    case ElementType::i16:
    case ElementType::u16:
      return 2;
    case ElementType::f32:
    case ElementType::i32:
    case ElementType::u32:
      return 4;
    default:
      return 8;
  }
}

// Byte by byte, for any alignment and order.
__device__ inline uint64_t bits_at(const unsigned char* p, int size, bool swapped) {
  uint64_t bits = 0;
  for (int i = 0; i < size; ++i)
    bits |= static_cast<uint64_t>(p[swapped ? size - 1 - i : i]) << (8 * i);
  return bits;
}

__device__ inline int64_t as_int64(uint64_t bits, ElementType type) {
  switch (type) {
    case ElementType::i8:
      return static_cast<int8_t>(bits);
    case ElementType::i16:
      return static_cast<int16_t>(bits);
    case ElementType::i32:
      return static_cast<int32_t>(bits);
    case ElementType::u64:
      return bits > static_cast<uint64_t>(INT64_MAX) ? INT64_MAX : static_cast<int64_t>(bits);
    default:
      return static_cast<int64_t>(bits);
  }
}

// U is an integer of the result's size.
template <class U>
__global__ void strided_kernel(const __grid_constant__ StridedArray from, U* __restrict__ to) {
  const int size = size_of_type(from.type);
  const bool is_float = from.type == ElementType::f32 || from.type == ElementType::f64;
  for (int64_t i = thread_index(); i < from.count; i += thread_count()) {
    const unsigned char* p = static_cast<const unsigned char*>(from.data);
    int64_t rest = i;
    for (int axis = from.rank - 1; axis >= 0; --axis) {
      const int64_t next = rest / from.shape[axis];
      p += (rest - next * from.shape[axis]) * from.strides[axis];
      rest = next;
    }
    const uint64_t bits = bits_at(p, size, from.swapped);
    to[i] = static_cast<U>(is_float ? bits : static_cast<uint64_t>(as_int64(bits, from.type)));
  }
}

}  // namespace

void copy_strided(const StridedArray& from, ElementType to_type, void* to, const Context& context) {
  const int64_t blocks = blocks_for(from.count);
  if (size_of_type(to_type) == 4)
    launch("copy", strided_kernel<uint32_t>, blocks, kThreads, 0, context, from,
           static_cast<uint32_t*>(to));
  else
    launch("copy", strided_kernel<uint64_t>, blocks, kThreads, 0, context, from,
           static_cast<uint64_t*>(to));
}

}  // namespace striate::cuda
