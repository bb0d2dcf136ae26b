// Where an element of an operand's tile lies in shared memory.
//
// A tile has kLines lines (rows of A, columns of B) and a depth of 128 bytes. It is stored as it is
// read from global memory, along the depth or along the lines, and swizzled, so that neither the
// copies nor the fragments of fragment.h meet a bank twice:
// - depth-major: a line is a row of 32 banks; its eight 16-byte chunks are permuted by the line's
//   number modulo 8. Eight neighbouring lines at one depth are in different banks.
// - line-major: the lines of one depth follow each other; groups of eight are permuted by the
//   depth modulo 4. Four neighbouring depths of eight lines are in different banks.
#pragma once

#include "cuda/lane.h"

namespace striate::cuda {

template <class T>
inline constexpr int kTileDepth = 128 / static_cast<int>(sizeof(T));

template <class T, int kLines, bool kDepthMajor>
STRIATE_DEVICE int tile_offset(int line, int depth) {
  if constexpr (kDepthMajor) {
    constexpr int kChunk = 16 / static_cast<int>(sizeof(T));
    return line * kTileDepth<T> + ((depth / kChunk) ^ (line % 8)) * kChunk + depth % kChunk;
  } else {
    const int group = line / 8;
    return depth * kLines + group / 4 * 32 + (group % 4 ^ depth % 4) * 8 + line % 8;
  }
}

}  // namespace striate::cuda
