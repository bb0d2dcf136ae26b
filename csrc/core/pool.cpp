#include "core/pool.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace striate {
namespace {

// Long enough to bridge the gap between two calls from Python, short enough not to steal a
// neighbour's time slice.
constexpr auto kSpin = std::chrono::microseconds(40);

inline void relax() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Spins until `done` holds or the time is up.
template <class Done>
bool spin_until(Done done) {
  const auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < 64; ++i) {
      if (done()) return true;
      relax();
    }
  } while (std::chrono::steady_clock::now() < end);
  return done();
}

// Default rounding, no flush to zero, no traps: the same arithmetic whoever takes a chunk.
class FloatEnvironment {
 public:
#if defined(__x86_64__)
  FloatEnvironment() : saved_(_mm_getcsr()) { _mm_setcsr(0x1f80); }
  ~FloatEnvironment() { _mm_setcsr(saved_); }

 private:
  unsigned saved_;
#elif defined(__aarch64__)
  FloatEnvironment() {
    asm volatile("mrs %0, fpcr" : "=r"(saved_));
    asm volatile("msr fpcr, %0" : : "r"(uint64_t{0}));
  }
  ~FloatEnvironment() { asm volatile("msr fpcr, %0" : : "r"(saved_)); }

 private:
  uint64_t saved_;
#endif
};

struct Job {
  std::atomic<int64_t> next{0};
  int64_t chunks;
  int workers;      // how many may take part
  int entered = 1;  // how many have, the caller first; guarded by Pool::mutex
  ChunkBody body;
  void* argument;

  void work(int worker) {
    for (int64_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < chunks;)
      body(argument, i, worker);
  }
};

// Everything that a forked child must start afresh.
struct Pool {
  std::mutex region;  // held while a job runs
  std::mutex mutex;   // guards job and its entry
  std::condition_variable wake;
  std::condition_variable idle;
  std::atomic<uint64_t> generation{0};  // counts jobs; workers spin on it
  std::atomic<int> active{0};           // workers inside the current job
  Job* job = nullptr;
  int started = 0;  // worker threads that exist; guarded by region, as are the next two
  pthread_t workers[kMaxThreads];
  int avoided = -1;  // the processor that the workers' masks leave out
  std::atomic<int> limit{1};
};

thread_local bool inside_region = false;

cpu_set_t process_mask() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) != 0 || CPU_COUNT(&mask) == 0) CPU_SET(0, &mask);
  return mask;
}

// Taken when the module is loaded: PyTorch may pin the main thread later, and threads inherit that.
const cpu_set_t import_mask = process_mask();

ThreadDefault find_thread_default() {
  ThreadDefault result;
  result.affinity = CPU_COUNT(&import_mask);
  result.quota = cgroup_cpu_quota("/proc");
  result.threads = result.affinity;
  if (result.quota > 0)
    result.threads = std::min(result.threads, static_cast<int>(std::ceil(result.quota)));
  result.threads = std::max(1, std::min(result.threads, kMaxThreads));
  return result;
}

Pool* new_pool(int limit) {
  Pool* pool = new Pool;
  pool->limit = limit;
  return pool;
}

// Never destroyed: a worker may still use it while the interpreter exits.
Pool*& the_pool() {
  static Pool* pool = new_pool(thread_default().threads);
  return pool;
}

void worker_main(Pool* pool) {
  inside_region = true;  // a nested call from a chunk runs inline
  uint64_t seen = 0;
  for (;;) {
    spin_until([&] { return pool->generation.load(std::memory_order_acquire) != seen; });
    Job* job;
    int worker;
    {
      std::unique_lock<std::mutex> lock(pool->mutex);
      pool->wake.wait(lock, [&] { return pool->generation.load() != seen; });
      seen = pool->generation.load();
      job = pool->job;
      if (job == nullptr || job->entered == job->workers) continue;  // too late, or not needed
      worker = job->entered++;
      pool->active.fetch_add(1);
    }
    {
      FloatEnvironment environment;
      job->work(worker);
    }
    if (pool->active.fetch_sub(1) == 1) {
      // Taking the mutex orders this wake-up after the caller's decision to sleep.
      std::lock_guard<std::mutex> lock(pool->mutex);
      pool->idle.notify_one();
    }
  }
}

cpu_set_t mask_without(int processor) {
  cpu_set_t mask = import_mask;
  if (processor >= 0 && processor < CPU_SETSIZE) CPU_CLR(processor, &mask);
  return CPU_COUNT(&mask) == 0 ? import_mask : mask;
}

// A virtual machine's Linux takes an idle processor for a preempted one, and wakes a worker on the
// processor of the thread that wakes it, where the two take turns. So the workers are kept off it.
// Called with pool->region held.
void keep_off_the_callers_processor(Pool* pool) {
  const int processor = sched_getcpu();
  if (processor == pool->avoided) return;
  pool->avoided = processor;
  const cpu_set_t mask = mask_without(processor);
  for (int i = 0; i < pool->started; ++i)
    pthread_setaffinity_np(pool->workers[i], sizeof mask, &mask);
}

// Called with pool->region held.
void start_workers(Pool* pool, int wanted) {
  if (pool->started >= wanted) return;
  // Signals belong to the interpreter's threads.
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  const cpu_set_t mask = mask_without(pool->avoided);
  while (pool->started < wanted) {
    try {
      std::thread thread(worker_main, pool);
      pthread_setaffinity_np(thread.native_handle(), sizeof mask, &mask);
      pool->workers[pool->started++] = thread.native_handle();
      thread.detach();
    } catch (const std::system_error&) {
      break;  // the system has no more threads: those that exist, or the caller alone, do the work
    }
  }
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
}

void run_inline(int64_t chunks, ChunkBody body, void* argument) {
  FloatEnvironment environment;
  for (int64_t i = 0; i < chunks; ++i) body(argument, i, 0);
}

}  // namespace

const ThreadDefault& thread_default() {
  static const ThreadDefault value = find_thread_default();
  return value;
}

int num_threads() { return the_pool()->limit.load(std::memory_order_relaxed); }

void set_num_threads(int threads) {
  Pool* pool = the_pool();
  std::lock_guard<std::mutex> region(pool->region);
  pool->limit = threads;
}

void run_chunks(int64_t chunks, int workers, ChunkBody body, void* argument) {
  if (chunks <= 0) return;
  Pool* pool = the_pool();
  if (chunks == 1 || inside_region || workers == 1) return run_inline(chunks, body, argument);
  std::unique_lock<std::mutex> region(pool->region, std::try_to_lock);
  if (!region.owns_lock()) return run_inline(chunks, body, argument);

  const int helpers = static_cast<int>(std::min<int64_t>(workers - 1, chunks - 1));
  keep_off_the_callers_processor(pool);
  start_workers(pool, helpers);
  Job job;
  job.chunks = chunks;
  job.workers = helpers + 1;
  job.body = body;
  job.argument = argument;
  {
    std::lock_guard<std::mutex> lock(pool->mutex);
    pool->job = &job;
    pool->generation.fetch_add(1, std::memory_order_release);
  }
  for (int i = 0; i < helpers; ++i) pool->wake.notify_one();
  inside_region = true;
  {
    FloatEnvironment environment;
    job.work(0);
  }
  inside_region = false;
  {
    // No worker may enter the job from here on; those inside are waited for.
    std::lock_guard<std::mutex> lock(pool->mutex);
    pool->job = nullptr;
  }
  const auto done = [&] { return pool->active.load(std::memory_order_acquire) == 0; };
  if (!spin_until(done)) {
    std::unique_lock<std::mutex> lock(pool->mutex);
    pool->idle.wait(lock, done);
  }
}

// A region that runs in another thread is waited for, so the child sees a pool at rest. Its workers
// do not exist in the child, which starts with a new pool and leaves the old one alone.
void pool_before_fork() {
  the_pool()->region.lock();
  the_pool()->mutex.lock();
}
void pool_after_fork_in_parent() {
  the_pool()->mutex.unlock();
  the_pool()->region.unlock();
}
void pool_after_fork_in_child() { the_pool() = new_pool(the_pool()->limit); }

}  // namespace striate
