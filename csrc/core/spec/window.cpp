#include "core/spec/window.h"

#include <algorithm>

#include "core/check.h"

namespace striate::spec {
namespace {

// Larger values cannot belong to an array that exists, and sums of these cannot overflow.
constexpr int64_t kLargest = int64_t{1} << 40;

std::string list(const int64_t* values, int count) {
  std::string text = "(";
  for (int i = 0; i < count; ++i) text += (i > 0 ? ", " : "") + std::to_string(values[i]);
  return text + (count == 1 ? ",)" : ")");
}

std::string to_text(const SpatialArg& arg) {
  return arg.count == kEveryAxis ? std::to_string(arg.value[0]) : list(arg.value, arg.count);
}

std::string to_text(const PaddingArg& arg) {
  if (arg.count == kEveryAxis) return std::to_string(arg.before[0]);
  if (std::equal(arg.before, arg.before + arg.count, arg.after)) return list(arg.before, arg.count);
  std::string text;
  for (int i = 0; i < arg.count; ++i) {
    const int64_t pair[2] = {arg.before[i], arg.after[i]};
    text += (i > 0 ? ", " : "(") + list(pair, 2);
  }
  return text + (arg.count == 1 ? ",)" : ")");
}

// Fills the last `rank` of the three axes; the others keep what they have. `given` is the whole
// argument, for messages.
template <class Given>
void expand(const char* function, const char* name, const Given& given, const int64_t* values,
            int rank, int64_t least, int64_t* out) {
  check(given.count == kEveryAxis || given.count == rank, function, name,
        " must be an int or have ", rank, rank == 1 ? " entry" : " entries", ". Got ", name, "=",
        to_text(given), ".");
  for (int i = 0; i < rank; ++i) {
    const int64_t value = values[given.count == kEveryAxis ? 0 : i];
    check(value >= least, function, name, " must be ", least > 0 ? "positive" : "at least 0",
          ". Got ", name, "=", to_text(given), ".");
    check(value <= kLargest, function, name, " must be at most 2^40. Got ", name, "=",
          to_text(given), ".");
    out[kSpatial - rank + i] = value;
  }
}

// Kernel, stride and dilation, and the extent of the dilated window.
Window resolve_taps(const char* function, int rank, const WindowArgs& args,
                    int64_t (&extent)[kSpatial]) {
  Window w;
  for (int i = 0; i < kSpatial; ++i) {
    w.in[i] = w.out[i] = w.kernel[i] = w.stride[i] = w.dilation[i] = 1;
    w.pad[i] = w.pad_after[i] = 0;
  }
  const SpatialArg& stride = args.stride.count == 0 ? args.kernel : args.stride;
  expand(function, "kernel_size", args.kernel, args.kernel.value, rank, 1, w.kernel);
  expand(function, "stride", stride, stride.value, rank, 1, w.stride);
  expand(function, "dilation", args.dilation, args.dilation.value, rank, 1, w.dilation);

  for (int i = 0; i < kSpatial; ++i) {
    int64_t reach;
    const bool overflow = __builtin_mul_overflow(w.kernel[i] - 1, w.dilation[i], &reach);
    check(!overflow && reach <= 4 * kLargest, function,
          "the dilated window must be at most 2^42. Got ", "kernel_size=", w.kernel[i],
          ", dilation=", w.dilation[i], ".");
    extent[i] = reach + 1;
  }
  return w;
}

}  // namespace

const char* image_layout(int rank) {
  return rank == 1 ? "(N, C, L)" : rank == 2 ? "(N, C, H, W)" : "(N, C, D, H, W)";
}

void resolve_padding(const char* function, int rank, const PaddingArg& padding, int64_t* before,
                     int64_t* after) {
  expand(function, "padding", padding, padding.before, rank, 0, before);
  expand(function, "padding", padding, padding.after, rank, 0, after);
}

Window resolve_window(const char* function, int rank, const int64_t* in, const WindowArgs& args) {
  int64_t extent[kSpatial];
  Window w = resolve_taps(function, rank, args, extent);
  const int first = kSpatial - rank;
  std::copy(in, in + rank, w.in + first);

  if (args.padding.kind == PaddingArg::Kind::numbers) {
    resolve_padding(function, rank, args.padding, w.pad, w.pad_after);
  } else if (args.padding.kind == PaddingArg::Kind::same) {
    for (int i = first; i < kSpatial; ++i) {
      const int64_t out = (w.in[i] + w.stride[i] - 1) / w.stride[i];
      const int64_t total =
          out == 0 ? 0 : std::max<int64_t>(0, (out - 1) * w.stride[i] + extent[i] - w.in[i]);
      w.pad[i] = total / 2;  // the odd one goes to the end
      w.pad_after[i] = total - w.pad[i];
    }
  }

  for (int i = first; i < kSpatial; ++i) {
    const int64_t padded = w.in[i] + w.pad[i] + w.pad_after[i];
    if (args.padding.kind == PaddingArg::Kind::same && w.in[i] == 0) {
      w.out[i] = 0;
      continue;
    }
    check(extent[i] <= padded, function,
          "the window must not be larger than the padded input. Got window=", extent[i],
          " (kernel_size=", w.kernel[i], ", dilation=", w.dilation[i], "), padded input=", padded,
          " (input=", w.in[i], ", padding=", w.pad[i], "+", w.pad_after[i], ").");
    const int64_t slack = padded - extent[i];
    w.out[i] = slack / w.stride[i] + 1;
    if (args.ceil_mode) {
      w.out[i] = (slack + w.stride[i] - 1) / w.stride[i] + 1;
      // No window may start in the padding at the end.
      if ((w.out[i] - 1) * w.stride[i] >= w.in[i] + w.pad[i]) --w.out[i];
    }
  }
  return w;
}

Window resolve_transposed_window(const char* function, int rank, const int64_t* out,
                                 const WindowArgs& args, const SpatialArg& output_padding) {
  int64_t extent[kSpatial];
  Window w = resolve_taps(function, rank, args, extent);
  const int first = kSpatial - rank;
  int64_t more[kSpatial] = {};
  std::copy(out, out + rank, w.out + first);
  expand(function, "output_padding", output_padding, output_padding.value, rank, 0, more);
  if (args.padding.kind == PaddingArg::Kind::numbers)
    resolve_padding(function, rank, args.padding, w.pad, w.pad_after);
  for (int i = first; i < kSpatial; ++i) {
    check(w.out[i] >= 1, function, "the input must have no empty spatial axis. Got size ", w.out[i],
          ".");
    check(more[i] < std::max(w.stride[i], w.dilation[i]), function,
          "output_padding must be less than stride or dilation. Got output_padding=", more[i],
          ", stride=", w.stride[i], ", dilation=", w.dilation[i], ".");
    int64_t reach;
    const bool overflow = __builtin_mul_overflow(w.out[i] - 1, w.stride[i], &reach);
    check(!overflow && reach <= INT64_MAX / 16, function,
          "the result must have fewer than 2^59 elements. Got input=", w.out[i],
          ", stride=", w.stride[i], ".");
    if (args.padding.kind == PaddingArg::Kind::same) {
      // As the convolution pads an input of out * stride pixels.
      check(more[i] == 0, function,
            "output_padding must be 0 with padding='same'. Got output_padding=", more[i], ".");
      const int64_t total = std::max<int64_t>(0, extent[i] - w.stride[i]);
      w.pad[i] = total / 2;
      w.pad_after[i] = total - w.pad[i];
      w.in[i] = reach + w.stride[i];
      continue;
    }
    w.in[i] = reach + extent[i] + more[i] - w.pad[i] - w.pad_after[i];
    check(w.in[i] >= 1, function, "the padding must leave some of the output. Got input=", w.out[i],
          ", stride=", w.stride[i], ", window=", extent[i], ", padding=", w.pad[i], "+",
          w.pad_after[i], ".");
  }
  return w;
}

}  // namespace striate::spec
