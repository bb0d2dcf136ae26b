// The greatest error of the formulas in float32, in units in the last place of the exact result,
// over all 2^32 inputs: formula_error [name...]. Compile it with an instruction set's flags. It
// takes minutes a function; with --digest it prints a digest of all results in seconds, by which
// two instruction sets that compute the same bits are known to have the same errors.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

#include "core/formula/activation.h"
#include "core/formula/pow.h"
#include "cpu/simd.h"

namespace {

using striate::cpu::Vec;
using V = Vec<float>;
namespace formula = striate::formula;

constexpr double kRoot = 0.70710678118654752440, kDensity = 0.39894228040143267794;

double sigmoid(double x) {
  return x > 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x));
}
double phi(double x) { return 0.5 * std::erfc(-x * kRoot); }
double tanh_argument(double x) { return 1.5957691216057307117 * (x + 0.044715 * x * x * x); }

struct Function {
  const char* name;
  V (*compute)(V);
  double (*exact)(double);
  double low, high;  // the inputs of interest
};

constexpr double kInf = __builtin_inf();
const Function kFunctions[] = {
    {"exp", [](V x) { return formula::exp(x); }, [](double x) { return std::exp(x); }, -kInf, kInf},
    {"expm1 (x <= 0)", [](V x) { return formula::expm1(x); },
     [](double x) { return std::expm1(x); }, -kInf, 0},
    {"log", [](V x) { return formula::log(x); }, [](double x) { return std::log(x); }, 0, kInf},
    {"log1p (0 <= x <= 1)", [](V x) { return formula::log1p_of_fraction(x); },
     [](double x) { return std::log1p(x); }, 0, 1},
    {"tanh", [](V x) { return formula::tanh(x); }, [](double x) { return std::tanh(x); }, -kInf,
     kInf},
    {"sigmoid", [](V x) { return formula::sigmoid(x); }, sigmoid, -kInf, kInf},
    {"softplus", [](V x) { return formula::softplus(x, V::set(1), V::set(20)); },
     [](double x) { return x > 20 ? x : std::log1p(std::exp(x)); }, -kInf, kInf},
    {"elu", [](V x) { return formula::elu(x, V::set(1)); },
     [](double x) { return x > 0 ? x : std::expm1(x); }, -kInf, kInf},
    {"silu", [](V x) { return formula::silu(x); },
     [](double x) { return x < -1000 ? -0.0 : x * sigmoid(x); }, -kInf, kInf},
    {"gelu", [](V x) { return formula::gelu(x); },
     [](double x) { return x < -1000 ? -0.0 : x * phi(x); }, -kInf, kInf},
    {"gelu (tanh)", [](V x) { return formula::gelu_tanh(x); },
     [](double x) { return x < -1000 ? -0.0 : x * sigmoid(tanh_argument(x)); }, -kInf, kInf},
    {"hardswish", [](V x) { return formula::hardswish(x); },
     [](double x) { return x <= -3  ? 0
                           : x >= 3 ? x
                                    : x * (x + 3) / 6; }, -kInf, kInf},
    {"pow 0.75", [](V x) { return formula::pow(x, V::set(0.75f)); },
     [](double x) { return std::pow(x, 0.75); }, 0, kInf},
    {"pow -0.75", [](V x) { return formula::pow(x, V::set(-0.75f)); },
     [](double x) { return std::pow(x, -0.75); }, 0, kInf},
    {"pow 3", [](V x) { return formula::pow(x, V::set(3)); },
     [](double x) { return std::pow(x, 3.0); }, 0, kInf},
    {"pow 4", [](V x) { return formula::pow(x, V::set(4)); },
     [](double x) { return std::pow(x, 4.0); }, 0, kInf},
    {"pow 1/3", [](V x) { return formula::pow(x, V::set(1.0f / 3)); },
     [](double x) { return std::pow(x, static_cast<double>(1.0f / 3)); }, 0, kInf},
};

struct Worst {
  double error = 0;
  float x = 0, got = 0;
};

void check(const Function& f, uint64_t begin, uint64_t end, Worst* worst) {
  for (uint64_t first = begin; first < end; first += V::lanes) {
    float x[V::lanes], y[V::lanes];
    for (int i = 0; i < V::lanes; ++i) {
      const uint32_t bits = static_cast<uint32_t>(first + i);
      std::memcpy(&x[i], &bits, sizeof bits);
    }
    f.compute(V::load(x)).store(y);
    for (int i = 0; i < V::lanes; ++i) {
      const double in = x[i];
      if (!(in >= f.low && in <= f.high)) {
        if (!std::isnan(in) || std::isnan(y[i])) continue;
        *worst = {kInf, x[i], y[i]};  // NaN must stay
        continue;
      }
      const double exact = f.exact(in);
      const float rounded = static_cast<float>(exact);
      if (y[i] == rounded || (std::isnan(exact) && std::isnan(y[i]))) continue;
      int exponent;
      std::frexp(exact, &exponent);
      const double unit = std::ldexp(1.0, (exponent - 1 > -126 ? exponent - 1 : -126) - 23);
      const double error =
          std::isfinite(y[i]) && std::isfinite(rounded) ? std::fabs(y[i] - exact) / unit : kInf;
      if (!(error <= worst->error)) *worst = {error, x[i], y[i]};
    }
  }
}

// The bits of all results, NaNs being all the same; in an order that lanes do not change.
uint64_t digest(const Function& f, uint64_t begin, uint64_t end) {
  uint64_t sum = 0;
  for (uint64_t first = begin; first < end; first += V::lanes) {
    float x[V::lanes], y[V::lanes];
    for (int i = 0; i < V::lanes; ++i) {
      const uint32_t bits = static_cast<uint32_t>(first + i);
      std::memcpy(&x[i], &bits, sizeof bits);
    }
    f.compute(V::load(x)).store(y);
    for (int i = 0; i < V::lanes; ++i) {
      if (!(x[i] >= f.low && x[i] <= f.high)) continue;
      uint32_t bits;
      std::memcpy(&bits, &y[i], sizeof bits);
      if (y[i] != y[i]) bits = 0x7fc00000;
      uint64_t mixed = (first + i) << 32 | bits;
      mixed = (mixed ^ mixed >> 31) * 0x9e3779b97f4a7c15u;
      sum += mixed ^ mixed >> 29;
    }
  }
  return sum;
}

}  // namespace

int main(int count, char** names) {
  const bool only_digest = count > 1 && std::strcmp(names[1], "--digest") == 0;
  if (only_digest) {
    --count;
    ++names;
  }
  for (const Function& f : kFunctions) {
    bool wanted = count == 1;
    for (int i = 1; i < count; ++i) wanted = wanted || std::strcmp(names[i], f.name) == 0;
    if (!wanted) continue;
    constexpr uint64_t kParts = 2, kAll = uint64_t{1} << 32;
    if (only_digest) {
      std::printf("%-20s %016llx\n", f.name, static_cast<unsigned long long>(digest(f, 0, kAll)));
      std::fflush(stdout);
      continue;
    }
    Worst worst[kParts];
    std::vector<std::thread> threads;
    for (uint64_t part = 0; part < kParts; ++part)
      threads.emplace_back(check, f, kAll / kParts * part, kAll / kParts * (part + 1),
                           &worst[part]);
    for (std::thread& thread : threads) thread.join();
    const Worst& all = worst[0].error > worst[1].error ? worst[0] : worst[1];
    std::printf("%-20s %6.3f at %.9g (%a): %.9g\n", f.name, all.error, all.x, all.x, all.got);
    std::fflush(stdout);
  }
}
