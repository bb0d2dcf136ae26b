// The thread pool. Work comes as chunks that the problem fixes (never the number of threads), taken
// by whichever thread is free, so results do not depend on how many threads there are and a busy
// neighbour on one core costs only its own chunk.
#pragma once

#include <cstdint>

namespace striate {

// Runs chunk `chunk`; `worker` in [0, workers) tells which scratch is its own. Must not throw.
using ChunkBody = void (*)(void* argument, int64_t chunk, int worker);

// Runs every chunk in [0, chunks) on at most `workers` threads, the caller among them, and returns
// when all are done. A nested call and a call made while another thread's region runs are done
// inline: never a deadlock. The floating point environment is the default one inside, and is
// restored after.
void run_chunks(int64_t chunks, int workers, ChunkBody body, void* argument);

int num_threads();
void set_num_threads(int threads);  // 1 <= threads <= kMaxThreads
inline constexpr int kMaxThreads = 1024;

// What num_threads() was derived from when the module was loaded.
struct ThreadDefault {
  int affinity;  // processors in the mask
  double quota;  // processors that the cgroup grants; 0 where there is no limit
  int threads;   // the default: min of both, at least 1
};
const ThreadDefault& thread_default();

// The processors granted by the cgroups of this process (v1 or v2), 0 for no limit; `proc` is
// "/proc".
double cgroup_cpu_quota(const char* proc);

// For pthread_atfork; see fork.cpp.
void pool_before_fork();
void pool_after_fork_in_parent();
void pool_after_fork_in_child();

}  // namespace striate
