// The PTX instructions that the matrix product uses, on the host.
#pragma once

#include <deque>
#include <vector>

#include "cuda_runtime.h"

namespace striate::cuda::emulated {

// cp.async: nothing is copied before the thread waits for it, as late as the hardware may be.
struct Copy {
  void* to;
  const void* from;  // null: zeros
  size_t bytes;
};
struct Copies {
  std::vector<Copy> open;
  std::deque<std::vector<Copy>> groups;
};
inline Copies& copies() {
  static Copies of_thread[1024];
  return of_thread[threadIdx.x];
}
inline void commit_copies() {
  copies().groups.push_back(std::move(copies().open));
  copies().open.clear();
}
inline void wait_for_copies(size_t pending) {
  for (; copies().groups.size() > pending; copies().groups.pop_front())
    for (const Copy& c : copies().groups.front()) {
      if (c.from != nullptr)
        std::memcpy(c.to, c.from, c.bytes);
      else
        std::memset(c.to, 0, c.bytes);
    }
}

// mma.sync.m16n8k8: each lane's registers, as the PTX ISA assigns them.
struct MmaRegisters {
  uint32_t a[4], b[2];
};
inline void add_products(const MmaRegisters* lanes, int lane, float (&sums)[4]) {
  const auto number = [](uint32_t bits) {
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  };
  for (int r = 0; r < 4; ++r) {
    const int row = (lane >> 2) + (r < 2 ? 0 : 8), column = lane % 4 * 2 + (r & 1);
    for (int k = 0; k < 8; ++k) {
      const uint32_t a = lanes[row % 8 * 4 + k % 4].a[(row < 8 ? 0 : 1) + (k < 4 ? 0 : 2)];
      const uint32_t b = lanes[column * 4 + k % 4].b[k < 4 ? 0 : 1];
      sums[r] += number(a) * number(b);
    }
  }
}
inline void mma(float (&sums)[4], const MmaRegisters& own) {
  static MmaRegisters of_thread[1024];
  of_thread[threadIdx.x] = own;
  warp_barrier();
  add_products(of_thread + threadIdx.x / 32 * 32, static_cast<int>(threadIdx.x % 32), sums);
  warp_barrier();
}

}  // namespace striate::cuda::emulated
