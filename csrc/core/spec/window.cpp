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

}  // namespace

void resolve_padding(const char* function, int rank, const PaddingArg& padding, int64_t* before,
                     int64_t* after) {
  expand(function, "padding", padding, padding.before, rank, 0, before);
  expand(function, "padding", padding, padding.after, rank, 0, after);
}

Window resolve_window(const char* function, int rank, const int64_t* in, const WindowArgs& args) {
  Window w;
  for (int i = 0; i < kSpatial; ++i) {
    w.in[i] = w.out[i] = w.kernel[i] = w.stride[i] = w.dilation[i] = 1;
    w.pad[i] = w.pad_after[i] = 0;
  }
  const int first = kSpatial - rank;
  std::copy(in, in + rank, w.in + first);
  const SpatialArg& stride = args.stride.count == 0 ? args.kernel : args.stride;
  expand(function, "kernel_size", args.kernel, args.kernel.value, rank, 1, w.kernel);
  expand(function, "stride", stride, stride.value, rank, 1, w.stride);
  expand(function, "dilation", args.dilation, args.dilation.value, rank, 1, w.dilation);

  int64_t extent[kSpatial];  // of the dilated window
  for (int i = 0; i < kSpatial; ++i) {
    int64_t reach;
    const bool overflow = __builtin_mul_overflow(w.kernel[i] - 1, w.dilation[i], &reach);
    check(!overflow && reach <= 4 * kLargest, function,
          "the dilated window must be at most 2^42. Got ", "kernel_size=", w.kernel[i],
          ", dilation=", w.dilation[i], ".");
    extent[i] = reach + 1;
  }

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

}  // namespace striate::spec
