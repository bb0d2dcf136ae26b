// One thread block's copies of an operand, tile by tile along the depth, into shared memory.
//
// Neighbouring threads copy what neighbours in memory: along the depth of a depth-major operand,
// along the lines of a line-major one. A thread keeps its place along that axis in registers and
// goes through the other axis, whose places it finds in a table in shared memory: the lines' table
// is made once, the depth's by the first threads for each tile, one tile ahead. Plain lines need no
// table.
#pragma once

#include "cuda/gemm/arguments.h"
#include "cuda/gemm/copy.h"
#include "cuda/gemm/shared_tile.h"

namespace striate::cuda {

inline constexpr int kGemmThreads = 128;

template <int kSize>
struct PlaceTable {
  struct alignas(16) Position {
    int at[kSpatial];
    int unused;
  };
  Position position[kSize];
  int64_t offset[kSize];

  STRIATE_DEVICE void set(int i, const Place& p) {
    position[i] = {{p.at[0], p.at[1], p.at[2]}, 0};
    offset[i] = p.offset;
  }
  STRIATE_DEVICE Place get(int i) const {
    const Position p = position[i];
    return {offset[i], {p.at[0], p.at[1], p.at[2]}};
  }
};

// The loaders of a block share a table, each from its entry kFirst on.
template <class T, int kLines, bool kDepthMajor, bool kPlainLines, int kFirst>
struct Loader {
  static constexpr int kDepth = kTileDepth<T>;
  static constexpr bool kLineTable = kDepthMajor && !kPlainLines;
  // Of the depth there are two: of the tile that is copied, and of the next one.
  static constexpr int kTableSize = kLineTable ? kLines : kDepthMajor ? 0 : 2 * kDepth;

  // Along a depth-major operand: this thread's depth in the next tile to copy. Along a line-major
  // one: the depth of the next entry in the table, for the threads that write it.
  Digits depth;
  Place line;          // a line-major operand's, this thread's
  int64_t first_line;  // of the block
  int64_t base;        // the group's offset; a line-major operand has it in `line`

  // Copies of kVector elements are made by `lanes` threads side by side.
  template <int kVector>
  static constexpr int lanes = (kDepthMajor ? kDepth : kLines) / kVector;
  template <int kVector>
  static STRIATE_DEVICE int lane(int thread) {
    return thread % lanes<kVector> * kVector;
  }
  static STRIATE_DEVICE int lane(const Operand<T>& operand, int thread) {
    return operand.vectors ? lane<16 / sizeof(T)>(thread) : lane<1>(thread);
  }

  // Before the first tile; a barrier must follow.
  template <class Table>
  STRIATE_DEVICE void begin(const Operand<T>& operand, int64_t group, int64_t block_line,
                            int64_t block_depth, int thread, Table& table) {
    first_line = block_line;
    base = group * operand.map.group_stride;
    const OperandMap& map = operand.map;
    if constexpr (kDepthMajor) {
      depth = digits_of(map.depth, block_depth + lane(operand, thread));
      if constexpr (kLineTable) {
        for (int i = thread; i < kLines; i += kGemmThreads)
          table.set(kFirst + i, place_of(map.lines, first_line + i));
      }
    } else {
      line = place_of(map.lines, first_line + lane(operand, thread));
      line.offset += base;
      depth = digits_of(map.depth, block_depth + thread);
      prepare(operand, 0, thread, table);
    }
  }

  // Writes the table of `tile`, which must be the one after the last prepared; a barrier must
  // follow.
  template <class Table>
  STRIATE_DEVICE void prepare(const Operand<T>& operand, int tile, int thread, Table& table) {
    if constexpr (!kDepthMajor) {
      if (thread < kDepth) {
        table.set(kFirst + tile % 2 * kDepth + thread, place_of(operand.map.depth, depth));
        advance(operand.map.depth, operand.depth_step, depth);
      }
    }
  }

  // Copies `tile`; tiles come in order.
  template <class Table>
  STRIATE_DEVICE void copy(const Operand<T>& operand, int tile, int thread, const Table& table,
                           T* shared) {
    constexpr int kVector = 16 / sizeof(T);
    if (operand.mask != nullptr) {
      if (operand.vectors)
        copy_tile<kVector, true>(operand, tile, thread, table, shared);
      else
        copy_tile<1, true>(operand, tile, thread, table, shared);
    } else {
      if (operand.vectors)
        copy_tile<kVector, false>(operand, tile, thread, table, shared);
      else
        copy_tile<1, false>(operand, tile, thread, table, shared);
    }
    if constexpr (kDepthMajor) advance(operand.map.depth, operand.depth_step, depth);
  }

 private:
  template <int kVector, bool kMasked, class Table>
  STRIATE_DEVICE void copy_tile(const Operand<T>& operand, int tile, int thread, const Table& table,
                                T* shared) const {
    constexpr int kCount = kDepthMajor ? kLines : kDepth;  // of the axis gone through
    constexpr int kStep = kGemmThreads / lanes<kVector>;
    static_assert(kGemmThreads % lanes<kVector> == 0 && kCount % kStep == 0);
    const OperandMap& map = operand.map;
    const int along = lane<kVector>(thread), first = thread / lanes<kVector>;
    Place own = line;
    if constexpr (kDepthMajor) {
      own = place_of(map.depth, depth);
      own.offset += base;
    }
    STRIATE_UNROLL_BY(2)
    for (int i = first; i < kCount; i += kStep) {
      Place other;
      if constexpr (!kDepthMajor) {
        other = table.get(kFirst + tile % 2 * kDepth + i);
      } else if constexpr (kLineTable) {
        other = table.get(kFirst + i);
      } else {
        const int64_t index = first_line + i;
        other = {index * map.lines.outer_stride, {index < map.lines.outer ? 0 : kOutside, 0, 0}};
      }
      const bool keep = inside(own, other, map.extent);
      const int64_t offset = keep ? own.offset + other.offset : 0;
      T* to = shared + (kDepthMajor ? tile_offset<T, kLines, true>(i, along)
                                    : tile_offset<T, kLines, false>(along, i));
      if constexpr (kMasked)
        copy_masked<kVector>(to, operand.data + offset, operand.mask + offset, keep);
      else
        copy_async<kVector>(to, operand.data + offset, keep);
    }
  }
};

}  // namespace striate::cuda
