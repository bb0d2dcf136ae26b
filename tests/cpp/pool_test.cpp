// Hammers the thread pool and the buffers without Python, so that a sanitizer sees every access:
// cmake --preset tsan && cmake --build --preset tsan --target pool_test && build/tsan/pool_test
#include "core/pool.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "core/context.h"
#include "core/fork.h"
#include "core/memory.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace {

using namespace striate;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "pool_test: %s\n", what);
  std::_Exit(1);
}

// Sums 0 .. chunks - 1 in a region whose chunks fill and read their worker's scratch. The counts
// are plain integers: chunks that ran twice or on after the region's end would be a data race.
struct Region {
  std::vector<int64_t> results;

  explicit Region(int64_t chunks) : results(static_cast<size_t>(chunks), 0) {}

  void run(size_t scratch_bytes) {
    const auto body = [](void* argument, int64_t chunk, void* scratch) {
      Region& region = *static_cast<Region*>(argument);
      if (scratch != nullptr) {
        std::memset(scratch, static_cast<int>(chunk & 127), 256);
        require(static_cast<char*>(scratch)[255] == (chunk & 127), "scratch is shared");
      }
      region.results[static_cast<size_t>(chunk)] += chunk + 1;
    };
    Context{}.run(static_cast<int64_t>(results.size()), scratch_bytes, body, this);
  }

  void expect(int64_t times) const {
    for (size_t i = 0; i < results.size(); ++i)
      require(results[i] == times * static_cast<int64_t>(i + 1), "a chunk was lost or ran twice");
  }
};

void test_regions() {
  for (const int threads : {1, 2, 7, 3}) {
    set_num_threads(threads);
    for (int round = 0; round < 300; ++round) {
      Region region(1 + round % 37);
      for (int i = 0; i < 3; ++i) region.run(i == 1 ? 256 : 0);
      region.expect(3);
    }
  }
}

void test_idle_workers_wake() {
  set_num_threads(4);
  for (int round = 0; round < 50; ++round) {
    usleep(500);  // longer than the workers spin
    Region region(16);
    region.run(0);
    region.expect(1);
  }
}

void test_nested_regions() {
  set_num_threads(4);
  std::atomic<int64_t> count{0};
  const auto inner = [](void* argument, int64_t, int) {
    static_cast<std::atomic<int64_t>*>(argument)->fetch_add(1);
  };
  struct Outer {
    std::atomic<int64_t>* count;
    ChunkBody inner;
  } outer{&count, inner};
  const auto body = [](void* argument, int64_t, int) {
    const Outer& o = *static_cast<Outer*>(argument);
    run_chunks(5, num_threads(), o.inner, o.count);
  };
  run_chunks(20, num_threads(), body, &outer);
  require(count == 100, "a nested region lost chunks");
}

// Callers at once, each with buffers of its own, while the settings change.
void test_concurrent_callers() {
  set_num_threads(3);
  std::atomic<bool> stop{false};
  std::thread settings([&] {
    for (int i = 0; !stop; ++i) {
      set_num_threads(1 + i % 4);
      if (i % 8 == 0) empty_cache();
      require(memory_stats().in_use_bytes >= 0, "memory_stats is inconsistent");
      usleep(100);
    }
  });
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([caller] {
      for (int round = 0; round < 200; ++round) {
        const size_t bytes = static_cast<size_t>(1) << (6 + (round + caller) % 10);
        Buffer buffer(bytes);
        require(reinterpret_cast<uintptr_t>(buffer.data()) % 64 == 0, "a buffer is not aligned");
        std::memset(buffer.data(), caller, bytes);
        Region region(9);
        region.run(512);
        region.expect(1);
        require(static_cast<char*>(buffer.data())[bytes - 1] == caller, "a buffer has two owners");
      }
    });
  }
  for (std::thread& thread : callers) thread.join();
  stop = true;
  settings.join();
  require(memory_stats().in_use_bytes == 0, "a buffer was not returned");
}

#if defined(__x86_64__)
// Workers and caller compute in the default environment; the caller's own comes back after.
void test_float_environment() {
  set_num_threads(4);
  const unsigned flush = _mm_getcsr() | 0x8040;
  _mm_setcsr(flush);
  const auto body = [](void*, int64_t, int) {
    require((_mm_getcsr() & 0xffc0) == 0x1f80, "a chunk ran with a foreign MXCSR");
  };
  for (int i = 0; i < 100; ++i) run_chunks(16, 4, body, nullptr);
  require((_mm_getcsr() & 0xffc0) == (flush & 0xffc0), "MXCSR was not restored");
  _mm_setcsr(0x1f80);
}
#endif

#if !defined(__SANITIZE_THREAD__)  // ThreadSanitizer does not support threads in a forked child
void test_fork() {
  set_num_threads(4);
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    while (!stop) {
      Region region(8);
      region.run(256);
    }
  });
  for (int i = 0; i < 20; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);  // a deadlock is a failure, not a hang
      Region region(64);
      region.run(256);
      region.expect(1);
      _exit(num_threads() == 4 ? 0 : 2);
    }
    int status = 0;
    require(waitpid(child, &status, 0) == child && status == 0, "a forked child failed");
  }
  stop = true;
  busy.join();
}
#endif

}  // namespace

int main() {
  register_fork_handlers();
  test_regions();
  test_idle_workers_wake();
  test_nested_regions();
  test_concurrent_callers();
#if defined(__x86_64__)
  test_float_environment();
#endif
#if !defined(__SANITIZE_THREAD__)
  test_fork();
#endif
  std::puts("pool_test: passed");
}
