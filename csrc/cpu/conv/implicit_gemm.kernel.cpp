// Convolution as a matrix product whose right-hand matrix, [channel and tap][pixel], is never
// stored whole. A task takes a block of pixels and a share of the rows and goes through the depth
// (channels times taps) block by block. What the pixels see of one block of the depth is brought
// into the core's own cache in one of two ways: shifted, where a patch of the source is copied with
// its padding and each tap reads it at a distance of its own, or gathered, pixels packed densely
// for each tap, where images are too small for whole rows of them or there is one tap alone.
//
// A forward product reads its weights as they lie. The phases of a strided input gradient are
// products of their own, which share the block's pixels; with few channels they are stacked as rows
// of one product. Their weights are packed once for the whole call, or, to do without a workspace,
// again by each task; their results are summed up apart and then written next to each other.
#include "cpu/conv/implicit_gemm.h"

#include "cpu/conv/conv_patch.h"
#include "cpu/conv/implicit_gemm_tile.h"
#include "cpu/conv/implicit_gemm_weights.h"
#include "cpu/conv/parted_pixels.h"
#include "cpu/conv/phase_sums.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

// Calls body(block) for each block of the depth. `taps`
// are those of the block's largest product.
template <class Body>
STRIATE_INLINE void for_each_depth_block(const ImplicitGemmPlan& plan, const Body& body) {
  const int64_t all = plan.first.channels;
  for (int64_t c = 0; c < all; c += plan.channels_per_block)
    for (int64_t t = 0; t < plan.max_taps; t += plan.taps_per_block)
      body(DepthBlock{c, least(all - c, plan.channels_per_block), t, plan.taps_per_block});
}

// The part of a block that a product has.
STRIATE_INLINE DepthBlock part_of(const DepthBlock& block, const ImplicitGemm& g) {
  const int64_t taps = greatest(0, least(block.taps, g.tap_count() - block.first_tap));
  return {block.first_channel, block.channels, block.first_tap, taps};
}

// One product's part of a block of the depth, and what lies before it.
struct Part {
  int64_t product;
  DepthBlock block;
  int64_t depth_before;   // of all products
  int64_t packed_before;  // of the products before this one, in all groups
};

// Calls body(part) for each.
template <class Body>
STRIATE_INLINE void for_each_part(const ImplicitGemmPlan& plan, const ImplicitGemm* products,
                                  const Body& body) {
  int64_t depth = 0;
  for_each_depth_block(plan, [&](const DepthBlock& whole) {
    int64_t packed = 0;
    for (int64_t i = 0; i < plan.products; ++i) {
      const DepthBlock block = part_of(whole, products[i]);
      if (block.depth() > 0) body(Part{i, block, depth, packed});
      depth += block.depth();
      packed += plan.first.groups * plan.row_panels * products[i].depth() * kTileRows;
    }
  });
}

// The scratch of one worker.
template <class T>
struct Scratch {
  Panel<T>* panels;
  ImplicitGemm* products;
  Found found;
  LaneSet<T>* parted_lanes;
  T* parts;
  int32_t* distances;
  T* pixels;
  T* rows;
  T* sums;
  size_t bytes;
};

template <class T>
Scratch<T> layout(const ImplicitGemmPlan& plan, void* buffer) {
  Scratch<T> s{};
  const auto take = [&](auto*& part, int64_t count) {
    part = reinterpret_cast<decltype(&*part)>(static_cast<char*>(buffer) + s.bytes);
    s.bytes += (static_cast<size_t>(count) * sizeof(*part) + 63) / 64 * 64;
  };
  take(s.panels, plan.panels_per_block);
  take(s.products, plan.products);
  const int64_t found = plan.shifted ? 0 : plan.panels_per_block * plan.taps_per_block;
  take(s.found.pieces, found * max_pieces<T>(plan.first));
  take(s.found.counts, found);
  take(s.parted_lanes, plan.parted ? found * kTileVectors : 0);
  take(s.parts, plan.parted_elements());
  take(s.distances, plan.taps_per_block * plan.channels_per_block);
  take(s.pixels, plan.pixel_elements());
  take(s.rows, plan.taps_per_block * plan.channels_per_block * kTileRows);
  take(s.sums, plan.sum_elements());
  return s;
}

// Gathered pixels. The larger blocks are the first, so that no thread ends with one.
STRIATE_INLINE int64_t first_panel_of(const ImplicitGemmPlan& plan, int64_t block) {
  return ceil_div(plan.panels * block, plan.pixel_blocks);
}

// The panels of one block of pixels; returns how many.
template <class T>
int64_t describe_panels(const ImplicitGemmPlan& plan, int64_t block, Panel<T>* panels) {
  const ImplicitGemm& g = plan.first;
  constexpr int64_t lanes = Vec<T>::lanes;
  if (!plan.shifted) {
    const int64_t begin = first_panel_of(plan, block), end = first_panel_of(plan, block + 1);
    for (int64_t p = begin; p < end; ++p) {
      Panel<T>& panel = panels[p - begin];
      const int64_t first = plan.vectors * p / plan.panels,
                    last = plan.vectors * (p + 1) / plan.panels;
      panel.start = panel.sums = (p - begin) * kTileColumns<T>;
      panel.vectors = static_cast<int>(last - first);
      describe_gathered(g, first * lanes, least(last * lanes, g.batch * g.grid_size()), panel);
    }
    return end - begin;
  }
  const int64_t row = block % plan.row_blocks * plan.rows_per_block;
  const int64_t depth = block / plan.row_blocks % g.grid[0];
  const int64_t sample = block / plan.row_blocks / g.grid[0];
  const int64_t rows = least(plan.rows_per_block, g.grid[1] - row);
  const int64_t pitch = plan.patch.extent[2];
  const int64_t lines = plan.panels_per_row > 0 ? rows : 1;
  const int64_t length = plan.panels_per_row > 0 ? g.grid[2] : (rows - 1) * pitch + g.grid[2];
  const int64_t vectors = ceil_div(length, lanes);
  const int64_t each = ceil_div(vectors, kTileVectors);
  for (int64_t line = 0; line < lines; ++line) {
    for (int64_t p = 0; p < each; ++p) {
      Panel<T>& panel = panels[line * each + p];
      const int64_t first = vectors * p / each, last = vectors * (p + 1) / each;
      panel.start = line * pitch + first * lanes;
      panel.sums = (line * each + p) * kTileColumns<T>;
      panel.vectors = static_cast<int>(last - first);
      describe_shifted(g, sample, depth, row, pitch, panel.start,
                       line * pitch + least(last * lanes, length), panel);
    }
  }
  return lines * each;
}

// Where a block of the pixels that tasks share begins.
STRIATE_INLINE int64_t shared_block(const ImplicitGemmPlan& plan, int64_t group, int64_t block) {
  return (group * plan.panels + first_panel_of(plan, block)) * plan.tile.columns * plan.total_depth;
}

template <class T>
struct Operands {
  const T *src, *mask, *w, *bias;
  const T *packed, *pixels;  // weights and pixels that tasks share, or null
  bool relu;
  T* dst;
};

// What a block's panels see of a part of the depth; `src` is the group's first channel.
template <class T>
void gather(const ImplicitGemmPlan& plan, const ImplicitGemm& product, int64_t count,
            const DepthBlock& block, const T* src, const T* mask, const Scratch<T>& s, T* out) {
  if (plan.parted)
    gather_parted(product, s.panels, count, block, src, s.parted_lanes, s.parts, out);
  else
    gather_pixels(product, s.panels, count, block, src, mask, s.found, out);
}

// One block of pixels, one group, one share of its rows.
template <class T>
void run_task(const ImplicitGemmPlan& plan, int64_t task, const Operands<T>& o, void* buffer) {
  const ImplicitGemm& g = plan.first;
  const Scratch<T> scratch = layout<T>(plan, buffer);
  const int64_t pixel_block = task % plan.pixel_blocks;
  const int64_t group = task / plan.pixel_blocks % g.groups;
  const int64_t split = task / plan.pixel_blocks / g.groups;
  const int64_t first_panel = plan.row_panels * split / plan.row_splits;
  const int64_t end_panel = plan.row_panels * (split + 1) / plan.row_splits;
  const int64_t first_row = first_panel * kTileRows;
  const int64_t rows = least(end_panel * kTileRows, g.rows) - first_row;
  Panel<T>* panels = scratch.panels;
  const int64_t count = describe_panels(plan, pixel_block, panels);
  for (int64_t i = 0; i < plan.products; ++i) scratch.products[i] = plan.product(i);
  const Run& corner = panels[0].run[0];

  const int64_t src_group = group * g.channels * g.src[0] * g.src[1] * g.src[2];
  const int64_t plane = g.dst[0] * g.dst[1] * g.dst[2];
  const Sums<T> sums{scratch.sums, plan.panels_per_block * kTileColumns<T>,
                     plan.stacked ? rows / plan.phases : rows};
  Target<T> target;
  target.apart = plan.strided_dst;
  target.row = target.apart ? sums.lanes : plane;

  // All rows of the share with the pixels that are there.
  const auto multiply = [&](int64_t index, const DepthBlock& block, const T* pixels,
                            int64_t packed_start, bool last) {
    const ImplicitGemm& product = scratch.products[index];
    target.first = block.first_channel == 0 && block.first_tap == 0;
    target.relu = last && o.relu;
    const int64_t depth = block.depth();
    for (int64_t r = first_panel; r < end_panel; ++r) {
      const int64_t row = r * kTileRows;
      const int live = static_cast<int>(least(kTileRows, g.rows - row));
      RowPanel<T> panel{scratch.rows, {kTileRows, 1}, 0};
      if (o.packed != nullptr) {
        // A block that leaves out taps has one channel alone.
        panel.a =
            o.packed + packed_start +
            (r * product.depth() + block.first_channel * product.tap_count() + block.first_tap) *
                kTileRows;
      } else if (!find_rows(plan, product, o.w, group, r, block, live, &panel)) {
        pack_rows(plan, product, o.w, group, r, block, scratch.rows);
      }
      T stacked_bias[kTileRows];
      target.bias = nullptr;
      if (o.bias != nullptr && plan.stacked) {
        for (int m = 0; m < live; ++m)
          stacked_bias[m] = o.bias[group * sums.phase_rows + (row + m) % sums.phase_rows];
        target.bias = stacked_bias;
      } else if (o.bias != nullptr) {
        target.bias = o.bias + group * g.rows + row;
      }
      for (int64_t p = 0; p < count; ++p) {
        target.to = target.apart ? scratch.sums + (index * rows + row - first_row) * sums.lanes +
                                       panels[p].sums
                                 : o.dst + (group * g.rows + row) * plane;
        with_tile_vectors(panels[p].vectors, [&](auto tile_vectors) {
          const auto run = [&](auto tile_rows, auto strides) {
            constexpr int m = decltype(tile_rows)::get, v = decltype(tile_vectors)::get;
            if (plan.shifted)
              tile<T, m, v>(depth, panel.a, strides, pixels + panels[p].start,
                            RowsAt{scratch.distances}, live, panels[p], target);
            else
              tile<T, m, v>(depth, panel.a, strides, pixels + p * depth * kTileColumns<T>,
                            PanelRows<T>{}, live, panels[p], target);
          };
          if (panel.channel > 0)
            return run(Constant<kTileRows>{}, FiltersTogether{panel.strides.row, panel.channel});
          with_tile_rows(live, [&](auto tile_rows) {
            with_strides(panel.strides, [&](auto strides) { run(tile_rows, strides); });
          });
        });
      }
    }
  };

  if (g.channels == 0) {  // nothing to add up: the bias alone
    for (int64_t i = 0; i < plan.products; ++i) multiply(i, {}, scratch.pixels, 0, true);
  }
  for_each_part(plan, scratch.products, [&](const Part& part) {
    const DepthBlock& block = part.block;
    const ImplicitGemm& product = scratch.products[part.product];
    const T* pixels = scratch.pixels;
    if (o.pixels != nullptr) {
      pixels = o.pixels + shared_block(plan, group, pixel_block) +
               part.depth_before * count * kTileColumns<T>;
    } else if (plan.shifted) {
      const int64_t from =
          src_group + (corner.sample * g.groups * g.channels + block.first_channel) * g.src[0] *
                          g.src[1] * g.src[2];
      if (part.product == 0)
        copy_patch(plan.patch, g, block.channels, corner.at[0], corner.at[1], o.src + from,
                   o.mask == nullptr ? nullptr : o.mask + from, scratch.pixels);
      find_distances(plan.patch, product, block, scratch.distances);
    } else {
      gather(plan, product, count, block, o.src + src_group,
             o.mask == nullptr ? nullptr : o.mask + src_group, scratch, scratch.pixels);
    }
    multiply(part.product, block, pixels,
             part.packed_before + group * plan.row_panels * product.depth() * kTileRows,
             block.first_channel + block.channels == g.channels &&
                 block.first_tap + block.taps == product.tap_count());
  });
  if (target.apart)
    write_phases(plan, sums, panels, count, group, plan.stacked ? 0 : first_row, sums.phase_rows,
                 o.dst);
}

// One part of one block of pixels, for all tasks that share the block.
template <class T>
void gather_part(const ImplicitGemmPlan& plan, int64_t chunk, int64_t parts, const Operands<T>& o,
                 T* out, void* buffer) {
  const Scratch<T> scratch = layout<T>(plan, buffer);
  const int64_t pixel_block = chunk / parts % plan.pixel_blocks;
  const int64_t group = chunk / parts / plan.pixel_blocks;
  const int64_t count = describe_panels(plan, pixel_block, scratch.panels);
  for (int64_t i = 0; i < plan.products; ++i) scratch.products[i] = plan.product(i);
  const ImplicitGemm& g = plan.first;
  const int64_t src_group = group * g.channels * g.src[0] * g.src[1] * g.src[2];
  out += shared_block(plan, group, pixel_block);
  int64_t index = 0;
  for_each_part(plan, scratch.products, [&](const Part& part) {
    if (index++ != chunk % parts) return;
    gather(plan, scratch.products[part.product], count, part.block, o.src + src_group,
           o.mask == nullptr ? nullptr : o.mask + src_group, scratch,
           out + part.depth_before * count * kTileColumns<T>);
  });
}

template <class T>
void run(const ImplicitGemmPlan& plan, bool shared, const T* src, const T* mask, const T* w,
         const T* ready, const T* bias, bool relu, T* dst, const Context& context) {
  if (plan.products == 0) return;
  const Workspace<T> packed(context, shared && ready == nullptr ? plan.packed_weights() : 0);
  const Workspace<T> pixels(context, shared ? plan.shared_pixels() : 0);
  const T* weights = ready == nullptr ? packed.data() : ready;
  const Operands<T> operands{src, mask, w, bias, weights, pixels.data(), relu, dst};
  const size_t scratch = layout<T>(plan, nullptr).bytes;
  if (packed.data() != nullptr) pack_weights(plan, w, packed.data(), context);
  if (pixels.data() != nullptr) {
    const int64_t parts = plan.parts();
    parallel_for(context, plan.pixel_blocks * plan.first.groups * parts, scratch,
                 [&](int64_t chunk, void* buffer) {
                   gather_part(plan, chunk, parts, operands, pixels.data(), buffer);
                 });
  }
  parallel_for(context, plan.tasks(), scratch,
               [&](int64_t task, void* buffer) { run_task(plan, task, operands, buffer); });
}

// Whatever the batch and the image: these may be empty when weights are packed ahead.
template <class T>
void pack_ahead(ImplicitGemmPlan plan, const T* w, T* packed, const Context& context) {
  plan.products = 1;
  if (plan.all_weights() > 0) pack_weights(plan, w, packed, context);
}

}  // namespace

void implicit_gemm(const ImplicitGemmPlan& plan, bool shared, const float* src, const float* mask,
                   const float* w, const float* packed, const float* bias, bool relu, float* dst,
                   const Context& context) {
  run(plan, shared, src, mask, w, packed, bias, relu, dst, context);
}
void implicit_gemm(const ImplicitGemmPlan& plan, bool shared, const double* src, const double* mask,
                   const double* w, const double* packed, const double* bias, bool relu,
                   double* dst, const Context& context) {
  run(plan, shared, src, mask, w, packed, bias, relu, dst, context);
}

void implicit_gemm_pack(const ImplicitGemmPlan& plan, const float* w, float* packed,
                        const Context& context) {
  pack_ahead(plan, w, packed, context);
}
void implicit_gemm_pack(const ImplicitGemmPlan& plan, const double* w, double* packed,
                        const Context& context) {
  pack_ahead(plan, w, packed, context);
}

}  // namespace striate::cpu::STRIATE_ISA
