// Expectations of the tests without a framework: what fails is printed and counted.
#pragma once

#include <cstdint>
#include <cstdio>
#include <random>

namespace {

int failures = 0;
#define EXPECT(condition, ...)                                      \
  do {                                                              \
    if (!(condition)) {                                             \
      if (++failures < 20) {                                        \
        std::printf("%s:%d: %s: ", __FILE__, __LINE__, #condition); \
        std::printf(__VA_ARGS__);                                   \
        std::printf("\n");                                          \
      }                                                             \
    }                                                               \
  } while (0)

std::mt19937_64 generator(7);
int64_t draw(int64_t low, int64_t high) {
  return std::uniform_int_distribution<int64_t>(low, high)(generator);
}

}  // namespace
