// The registers of mma.sync.m16n8k8 for TF32, lane by lane, as the PTX ISA lays them out ("Matrix
// Fragments for mma.m16n8k8"). With group = lane / 4 and member = lane % 4:
//   A  (16 x 8):  a0 (group, member)   a1 (group + 8, member)   a2 (group, member + 4)   a3 both +
//   8, + 4 B  (8 x 8):   b0 (member, group)   b1 (member + 4, group) C  (16 x 8):  c0, c1 (group, 2
//   member + 0, 1)   c2, c3 (group + 8, 2 member + 0, 1)
// Two neighbouring Bs are read as one fragment of 16 columns in A's layout: b0 and b1 of the first
// are its registers 0 and 2, of the second 1 and 3.
#pragma once

#include <cstdint>
#include <cstring>

#include "cuda/gemm/shared_tile.h"

#if !defined(__CUDACC__)
#include "cuda/emulated/tensor_cores.h"
#endif

namespace striate::cuda {

// A register's line and depth in a fragment of 16 lines by 8.
STRIATE_DEVICE int fragment_line(int lane, int r) { return lane / 4 + r % 2 * 8; }
STRIATE_DEVICE int fragment_depth(int lane, int r) { return lane % 4 + r / 2 * 4; }

// The register of such a fragment that is b0 or b1 of its B number `n` (0 or 1).
STRIATE_DEVICE int b_register(int n, int r) { return n + 2 * r; }

// An accumulator's row and column.
STRIATE_DEVICE int accumulator_row(int lane, int r) { return lane / 4 + r / 2 * 8; }
STRIATE_DEVICE int accumulator_column(int lane, int r) { return lane % 4 * 2 + r % 2; }

// Of a depth-major tile, ldmatrix reads a fragment as four matrices of 8 lines by 16 bytes, in the
// registers' order: each lane names the start of one line of one matrix.
STRIATE_DEVICE int ldmatrix_line(int lane) { return lane % 8 + lane / 8 % 2 * 8; }
STRIATE_DEVICE int ldmatrix_depth(int lane) { return lane / 16 * 4; }

// tile_offset(line + ldmatrix_line(lane), depth + ldmatrix_depth(lane)) for multiples of 16 and 8:
// the part of the lane is computed once.
STRIATE_DEVICE int ldmatrix_offset(int line, int depth, int lane) {
  const int own = ldmatrix_line(lane);
  const int chunk = depth / 4 ^ ldmatrix_depth(lane) / 4 ^ own % 8;
  return line * kTileDepth<float> + (own * kTileDepth<float> + chunk * 4);
}

// Rounded to TF32's ten bits of fraction, to nearest with ties away from zero.
STRIATE_DEVICE uint32_t to_tf32(uint32_t bits) {
#if defined(__CUDA_ARCH__)
  uint32_t rounded;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(__uint_as_float(bits)));
  return rounded;
#else
  const bool finite = (bits & 0x7f800000u) != 0x7f800000u;
  return finite ? (bits + 0x1000u) & ~0x1fffu : bits;
#endif
}

// The fragment of lines [line, line + 16) and depths [depth, depth + 8), rounded to TF32; multiples
// of 16 and 8. As `line` and `depth` are known where this is unrolled, most of each address is too.
template <int kLines, bool kDepthMajor>
STRIATE_DEVICE void load_fragment(const float* tile, int line, int depth, int lane,
                                  uint32_t (&fragment)[4]) {
#if defined(__CUDA_ARCH__)
  if constexpr (kDepthMajor) {
    const float* start = tile + ldmatrix_offset(line, depth, lane);
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(fragment[0]), "=r"(fragment[1]), "=r"(fragment[2]), "=r"(fragment[3])
                 : "r"(static_cast<unsigned>(__cvta_generic_to_shared(start)))
                 : "memory");
  } else
#endif
  {
    STRIATE_UNROLL
    for (int r = 0; r < 4; ++r) {
      // tile_offset(line + own line, depth + own depth) once more
      int offset;
      if constexpr (kDepthMajor) {
        offset = tile_offset<float, kLines, true>(line + fragment_line(lane, r),
                                                  depth + fragment_depth(lane, r));
      } else {
        const int group = line / 8 + r % 2;
        offset = (depth + r / 2 * 4) * kLines + group / 4 * 32 +
                 (lane % 4 * kLines + (group % 4 ^ lane % 4) * 8 + lane / 4);
      }
      memcpy(&fragment[r], tile + offset, sizeof fragment[r]);
    }
  }
  STRIATE_UNROLL
  for (int r = 0; r < 4; ++r) fragment[r] = to_tf32(fragment[r]);
}

// sums += a b, all 32 lanes of a warp together.
__device__ __forceinline__ void multiply_add(float (&sums)[4], const uint32_t (&a)[4], uint32_t b0,
                                             uint32_t b1) {
#if defined(__CUDACC__)
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#else
  emulated::mma(sums, {{a[0], a[1], a[2], a[3]}, {b0, b1}});
#endif
}

}  // namespace striate::cuda
