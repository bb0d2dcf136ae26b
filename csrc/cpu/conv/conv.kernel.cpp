// Forward convolution and its input gradient: each call goes to the algorithm that plan_conv chose.
#include "cpu/conv/direct.h"
#include "cpu/conv/flat_planes.h"
#include "cpu/conv/group_lanes.h"
#include "cpu/conv/implicit_gemm.h"
#include "cpu/conv/winograd.h"
#include "cpu/conv/winograd_lanes.h"
#include "cpu/gemm/tile.h"
#include "cpu/kernels.h"
#include "cpu/parallel.h"

namespace striate::cpu::STRIATE_ISA {
namespace {

template <class T>
constexpr TileShape kTile = {kTileRows, kTileColumns<T>, Vec<T>::lanes};

bool is_direct(ConvAlgorithm algorithm) { return algorithm == ConvAlgorithm::direct; }
bool is_small(ConvAlgorithm algorithm) { return algorithm == ConvAlgorithm::small_winograd; }
bool is_shared(ConvAlgorithm algorithm) { return algorithm == ConvAlgorithm::implicit_gemm; }

template <class T>
int64_t packed_size(const ConvProblem& problem, ConvAlgorithm algorithm) {
  if (is_winograd(algorithm))
    return plan_winograd_forward(problem, kTile<T>, is_small(algorithm)).all_weights();
  if (algorithm == ConvAlgorithm::implicit_gemm)
    return plan_implicit_gemm(problem, false, kTile<T>).all_weights();
  return 0;
}

template <class T>
void pack(const ConvProblem& problem, ConvAlgorithm algorithm, const T* w, T* packed,
          const Context& context) {
  if constexpr (sizeof(T) == 4) {
    if (is_winograd(algorithm))
      winograd_pack(plan_winograd_forward(problem, kTile<T>, is_small(algorithm)), w, packed,
                    context);
  }
  if (algorithm == ConvAlgorithm::implicit_gemm)
    implicit_gemm_pack(plan_implicit_gemm(problem, false, kTile<T>), w, packed, context);
}

template <class T>
void forward(const ConvProblem& problem, ConvAlgorithm algorithm, const T* x, const T* w,
             const T* packed, const T* bias, bool relu, T* y, const Context& context) {
  if constexpr (sizeof(T) == 4) {
    if (is_winograd(algorithm)) {
      if (winograd_conv(plan_winograd_forward(problem, kTile<T>, is_small(algorithm)), x, nullptr,
                        w, packed, bias, relu, y, context))
        return;
      packed = nullptr;
    }
    if (algorithm == ConvAlgorithm::winograd_lanes &&
        winograd_lanes_conv(plan_winograd_lanes(problem, Vec<T>::lanes, false), x, nullptr, w, bias,
                            relu, y, context))
      return;
  }
  if (algorithm == ConvAlgorithm::group_lanes)
    return group_lanes_conv(plan_group_lanes(problem, Vec<T>::lanes, false), problem, x, nullptr, w,
                            bias, relu, y, context);
  if (algorithm == ConvAlgorithm::flat_planes)
    return flat_planes_conv(plan_flat_planes(problem, false), x, nullptr, w, bias, relu, y,
                            context);
  if (is_direct(algorithm))
    direct_conv(plan_forward(problem), nullptr, x, nullptr, w, bias, relu, y, context);
  else
    implicit_gemm(plan_implicit_gemm(problem, false, kTile<T>), is_shared(algorithm), x, nullptr, w,
                  packed, bias, relu, y, context);
}

// What the pixels that meet no tap keep.
template <class T>
void fill(const ConvProblem& problem, const T* bias, T* dx, const Context& context) {
  const int64_t plane = problem.window.in_size(), channels = problem.in_channels;
  parallel_elements(context, problem.batch * channels * plane, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end;) {
      const int64_t stop = (i / plane + 1) * plane < end ? (i / plane + 1) * plane : end;
      const Vec<T> value = Vec<T>::set(bias == nullptr ? T(0) : bias[i / plane % channels]);
      for_each_vector<T>(i, stop, [=](int64_t at, int n) { value.store(dx + at, n); });
      i = stop;
    }
  });
}

// Two phases that share their rows and make up all columns between them.
inline bool columns_alternate(const ImplicitGemm& a, const ImplicitGemm& b) {
  return a.dst_stride[2] == 2 && a.dst_offset[2] + b.dst_offset[2] == 1 &&
         a.dst_offset[0] == b.dst_offset[0] && a.dst_offset[1] == b.dst_offset[1];
}

template <class Body>
STRIATE_INLINE void for_each_phase(const ConvProblem& problem, const Body& body) {
  for_each_input_grad_phase(
      problem,
      [](void* argument, const ImplicitGemm& g) { (*static_cast<const Body*>(argument))(g); },
      const_cast<Body*>(&body));
}

template <class T>
void input_grad(const ConvProblem& problem, ConvAlgorithm algorithm, const T* dy, const T* w,
                const T* y, const T* bias, T* dx, const Context& context) {
  if constexpr (sizeof(T) == 4) {
    if (is_winograd(algorithm) &&
        winograd_conv(plan_winograd_input_grad(problem, kTile<T>, is_small(algorithm)), dy, y, w,
                      nullptr, bias, false, dx, context))
      return;
    if (algorithm == ConvAlgorithm::winograd_lanes &&
        winograd_lanes_conv(plan_winograd_lanes(problem, Vec<T>::lanes, true), dy, y, w, bias,
                            false, dx, context))
      return;
  }
  if (algorithm == ConvAlgorithm::group_lanes)
    return group_lanes_conv(plan_group_lanes(problem, Vec<T>::lanes, true), problem, dy, y, w, bias,
                            false, dx, context);
  if (algorithm == ConvAlgorithm::flat_planes)
    return flat_planes_conv(plan_flat_planes(problem, true), dy, y, w, bias, false, dx, context);
  if (input_grad_has_gaps(problem)) fill(problem, bias, dx, context);
  if (!is_direct(algorithm)) {
    const bool shared = is_shared(algorithm);
    const ImplicitGemmPlan plan = plan_implicit_gemm(problem, true, kTile<T>);
    if (!plan.alone)
      return implicit_gemm(plan, shared, dy, y, w, nullptr, bias, false, dx, context);
    return for_each_phase(problem, [&](const ImplicitGemm& g) {
      implicit_gemm(plan_phase_alone(problem, kTile<T>, g), shared, dy, y, w, nullptr, bias, false,
                    dx, context);
    });
  }
  const auto conv = [&](const ImplicitGemm& g, const ImplicitGemm* twin) {
    direct_conv(g, twin, dy, y, w, bias, false, dx, context);
  };
  ImplicitGemm before{};
  bool waits = false;
  for_each_phase(problem, [&](const ImplicitGemm& g) {
    if (waits && columns_alternate(before, g)) {
      waits = false;
      return before.dst_offset[2] == 0 ? conv(before, &g) : conv(g, &before);
    }
    if (waits) conv(before, nullptr);
    before = g;
    waits = true;
  });
  if (waits) conv(before, nullptr);
}

// Of an input gradient's phases, the first meet the most taps.
template <class T>
int64_t direct_scratch(const ConvProblem& problem, ConvDirection direction) {
  constexpr bool doubles = sizeof(T) == 8;
  size_t bytes = 0;
  if (direction == ConvDirection::weight_grad) {
    bytes = direct_weight_grad_scratch(plan_forward(problem), doubles);
  } else if (direction == ConvDirection::forward) {
    bytes = direct_conv_scratch(plan_forward(problem), nullptr, doubles);
  } else if (const int64_t phases = input_grad_phases(problem); phases > 0) {
    const ImplicitGemm first = plan_input_grad(problem, 0);
    const ImplicitGemm next = plan_input_grad(problem, phases > 1 ? 1 : 0);
    bytes = direct_conv_scratch(first, columns_alternate(first, next) ? &next : nullptr, doubles);
  }
  return static_cast<int64_t>(bytes);
}

}  // namespace

const ConvKernels<float> conv_f32 = {kTile<float>,   packed_size<float>, pack<float>,
                                     forward<float>, input_grad<float>,  direct_scratch<float>};
const ConvKernels<double> conv_f64 = {kTile<double>,   packed_size<double>, pack<double>,
                                      forward<double>, input_grad<double>,  direct_scratch<double>};

}  // namespace striate::cpu::STRIATE_ISA
