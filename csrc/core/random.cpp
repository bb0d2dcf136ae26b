#include "core/random.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/formula/philox.h"
#include "core/pool.h"

namespace striate {
namespace {

struct Word {
  uint64_t value;
  static Word set(uint32_t v) { return {v}; }
};
Word operator^(Word a, Word b) { return {a.value ^ b.value}; }
Word operator&(Word a, Word b) { return {a.value & b.value}; }
Word shift_right(Word a, int bits) { return {a.value >> bits}; }
Word multiply_words(Word a, Word b) { return {a.value * b.value}; }

// Two numbers in (0, 1) for each counter.
void unit_pair(formula::PhiloxKey key, uint64_t counter, double (&unit)[2]) {
  Word word[4] = {{counter & 0xFFFFFFFFu}, {counter >> 32}, {0}, {0}};
  formula::philox(key, word);
  for (int i = 0; i < 2; ++i) {
    const uint64_t bits = word[2 * i].value << 32 | word[2 * i + 1].value;
    // The greatest rounds up to 1.
    unit[i] = std::min((static_cast<double>(bits >> 11) + 0.5) * 0x1p-53, 1 - 0x1p-53);
  }
}

// The natural logarithm of a positive normal number, within an ulp (the scheme of fdlibm's e_log).
double logarithm(double x) {
  uint64_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  bits = (bits & 0x000FFFFFFFFFFFFFu) | 0x3FF0000000000000u;
  double m;
  std::memcpy(&m, &bits, sizeof m);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++exponent;
  }
  const double k = exponent;
  const double f = m - 1;
  const double s = f / (2 + f), z = s * s;
  const double series =
      z * (6.666666666666735130e-01 +
           z * (3.999999999940941908e-01 +
                z * (2.857142874366239149e-01 +
                     z * (2.222219843214978396e-01 +
                          z * (1.818357216161805012e-01 +
                               z * (1.531383769920937332e-01 + z * 1.479819860511658591e-01))))));
  const double half = 0.5 * f * f;
  return k * 6.93147180369123816490e-01 -
         ((half - (s * (half + series) + k * 1.90821492927058770002e-10)) - f);
}

template <int n>
double polynomial(const double (&c)[n], double x) {
  double sum = c[n - 1];
  for (int i = n - 2; i >= 0; --i) sum = sum * x + c[i];
  return sum;
}

// AS 241's PPND16: relative accuracy about 1e-16.
double inverse_normal(double p) {
  static constexpr double a[] = {3.3871328727963666080e0, 1.3314166789178437745e2,
                                 1.9715909503065514427e3, 1.3731693765509461125e4,
                                 4.5921953931549871457e4, 6.7265770927008700853e4,
                                 3.3430575583588128105e4, 2.5090809287301226727e3};
  static constexpr double b[] = {1.0,
                                 4.2313330701600911252e1,
                                 6.8718700749205790830e2,
                                 5.3941960214247511077e3,
                                 2.1213794301586595867e4,
                                 3.9307895800092710610e4,
                                 2.8729085735721942674e4,
                                 5.2264952788528545610e3};
  static constexpr double c[] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                                 5.76949722146069140550e0,  3.64784832476320460504e0,
                                 1.27045825245236838258e0,  2.41780725177450611770e-1,
                                 2.27238449892691845833e-2, 7.74545014278341407640e-4};
  static constexpr double d[] = {1.0,
                                 2.05319162663775882187e0,
                                 1.67638483018380384940e0,
                                 6.89767334985100004550e-1,
                                 1.48103976427480074590e-1,
                                 1.51986665636164571966e-2,
                                 5.47593808499534494600e-4,
                                 1.05075007164441684324e-9};
  static constexpr double e[] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                                 1.78482653991729133580e0,  2.96560571828504891230e-1,
                                 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                 2.71155556874348757815e-5, 2.01033439929228813265e-7};
  static constexpr double f[] = {1.0,
                                 5.99832206555887937690e-1,
                                 1.36929880922735805310e-1,
                                 1.48753612908506148525e-2,
                                 7.86869131145613259100e-4,
                                 1.84631831751005468180e-5,
                                 1.42151175831644588870e-7,
                                 2.04426310338993978564e-15};
  const double q = p - 0.5;
  if (std::fabs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * polynomial(a, r) / polynomial(b, r);
  }
  const double tail = q < 0 ? p : 1 - p;
  const double r = std::sqrt(-logarithm(tail));
  const double x = r <= 5 ? polynomial(c, r - 1.6) / polynomial(d, r - 1.6)
                          : polynomial(e, r - 5) / polynomial(f, r - 5);
  return q < 0 ? -x : x;
}

constexpr int64_t kChunk = 8192;  // even: a chunk starts at a counter

template <class T, class Transform>
void fill(int64_t count, uint64_t seed, uint64_t offset, T* out, const Transform& transform) {
  struct Job {
    int64_t count;
    formula::PhiloxKey key;
    uint64_t offset;
    T* out;
    const Transform* transform;
  } job{count, formula::philox_key(seed), offset, out, &transform};
  run_chunks((count + kChunk - 1) / kChunk, num_threads(),
             [](void* argument, int64_t chunk, int) {
               const Job& j = *static_cast<const Job*>(argument);
               const int64_t end = std::min(j.count, (chunk + 1) * kChunk);
               for (int64_t i = chunk * kChunk; i < end; i += 2) {
                 double unit[2];
                 unit_pair(j.key, j.offset + static_cast<uint64_t>(i) / 2, unit);
                 for (int64_t k = 0; k < 2 && i + k < end; ++k)
                   j.out[i + k] = static_cast<T>((*j.transform)(unit[k]));
               }
             },
             &job);
}

}  // namespace

template <class T>
void random_uniform(int64_t count, uint64_t seed, uint64_t offset, double low, double high,
                    T* out) {
  const T first = static_cast<T>(low), last = static_cast<T>(high);
  // Rounding may reach an end; the numbers next to them stand in.
  const T least = first < last ? std::nextafter(first, last) : first;
  const T greatest = first < last ? std::nextafter(last, first) : last;
  fill(count, seed, offset, out, [=](double u) {
    return std::min(std::max(static_cast<T>(low + (high - low) * u), least), greatest);
  });
}

template <class T>
void random_normal(int64_t count, uint64_t seed, uint64_t offset, double mean, double std, T* out) {
  fill(count, seed, offset, out, [=](double u) { return mean + std * inverse_normal(u); });
}

template <class T>
void random_truncated_normal(int64_t count, uint64_t seed, uint64_t offset, double mean, double std,
                             double cut, T* out) {
  const double low = 0.5 * std::erfc(cut / std::sqrt(2.0));  // the part below -cut
  fill(count, seed, offset, out, [=](double u) {
    const double x = inverse_normal(std::max(low + (1 - 2 * low) * u, 0x1p-1022));
    return mean + std * std::min(std::max(x, -cut), cut);
  });
}

template void random_uniform<float>(int64_t, uint64_t, uint64_t, double, double, float*);
template void random_uniform<double>(int64_t, uint64_t, uint64_t, double, double, double*);
template void random_normal<float>(int64_t, uint64_t, uint64_t, double, double, float*);
template void random_normal<double>(int64_t, uint64_t, uint64_t, double, double, double*);
template void random_truncated_normal<float>(int64_t, uint64_t, uint64_t, double, double, double,
                                             float*);
template void random_truncated_normal<double>(int64_t, uint64_t, uint64_t, double, double, double,
                                              double*);

}  // namespace striate
