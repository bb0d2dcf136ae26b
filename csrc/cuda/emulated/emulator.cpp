// Thread blocks as fibers of the calling thread.
#include <setjmp.h>
#include <ucontext.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "cuda_runtime.h"

uint3 threadIdx, blockIdx, blockDim, gridDim;

namespace striate::cuda::emulated {
namespace {

constexpr size_t kStackBytes = 256 << 10;

struct Barrier {
  unsigned arrived = 0;
  unsigned generation = 0;
};

struct Fiber {
  std::unique_ptr<char[]> stack{new char[kStackBytes]};
  ucontext_t start;
  jmp_buf state;
  bool started = false;
  bool waiting = false;  // at a barrier, with thread `thread`
  unsigned thread = 0;
};

// The block that runs.
struct Block {
  unsigned threads = 0;
  unsigned next = 0;                // threads that have been started
  unsigned live = 0;                // that have not returned
  std::vector<unsigned> warp_live;  // the same for each warp
  std::vector<Barrier> warp;
  Barrier block;
  std::vector<uint64_t> slots;
  int vote = 0;
  const std::function<void()>* body = nullptr;
  bool progress = false;
};

Block current;
std::vector<std::unique_ptr<Fiber>> fibers;  // kept from launch to launch
Fiber* running = nullptr;
jmp_buf scheduler;
std::vector<uint64_t> shared;
std::mutex one_launch;
bool reverse = false;

void set_thread(unsigned thread) { threadIdx = {thread, 0, 0}; }

void release(Barrier& barrier) {
  barrier.arrived = 0;
  ++barrier.generation;
  current.progress = true;
}

// Whoever returns no longer counts at barriers.
void thread_returned(unsigned thread) {
  --current.live;
  --current.warp_live[thread / 32];
  current.progress = true;
  Barrier& warp = current.warp[thread / 32];
  if (warp.arrived > 0 && warp.arrived == current.warp_live[thread / 32]) release(warp);
  if (current.block.arrived > 0 && current.block.arrived == current.live) release(current.block);
}

// A fiber runs threads until one of them waits, so that kernels without barriers need a single one.
void run_threads() {
  for (;;) {
    while (current.next < current.threads) {
      const unsigned i = current.next++;
      running->thread = reverse ? current.threads - 1 - i : i;
      set_thread(running->thread);
      (*current.body)();
      thread_returned(running->thread);
    }
    if (_setjmp(running->state) == 0) _longjmp(scheduler, 1);
  }
}

void enter(Fiber& fiber) {
  if (_setjmp(scheduler) != 0) return;
  running = &fiber;
  set_thread(fiber.thread);
  if (fiber.started) _longjmp(fiber.state, 1);
  fiber.started = true;
  getcontext(&fiber.start);
  fiber.start.uc_stack.ss_sp = fiber.stack.get();
  fiber.start.uc_stack.ss_size = kStackBytes;
  fiber.start.uc_link = nullptr;
  makecontext(&fiber.start, run_threads, 0);
  setcontext(&fiber.start);
}

void wait_at(Barrier& barrier, unsigned expected) {
  if (++barrier.arrived == expected) {
    release(barrier);
    return;
  }
  Fiber* const self = running;
  const unsigned generation = barrier.generation;
  self->waiting = true;
  while (barrier.generation == generation)
    if (_setjmp(self->state) == 0) _longjmp(scheduler, 1);
  self->waiting = false;
}

void run_block() {
  size_t used = 0;
  while (current.live > 0) {
    current.progress = false;
    for (size_t i = 0; i < used; ++i) enter(*fibers[reverse ? used - 1 - i : i]);
    while (current.next < current.threads) {
      if (used == fibers.size()) fibers.push_back(std::make_unique<Fiber>());
      enter(*fibers[used++]);
    }
    if (!current.progress) {
      std::fputs("emulated CUDA: a barrier that not all threads reach\n", stderr);
      std::abort();
    }
  }
}

}  // namespace

void run(unsigned blocks, unsigned threads, size_t shared_bytes,
         const std::function<void()>& body) {
  const std::lock_guard<std::mutex> lock(one_launch);
  const char* order = std::getenv("STRIATE_EMULATED_ORDER");
  reverse = order != nullptr && std::string(order) == "reverse";
  shared.assign((shared_bytes + 15) / 8, 0xFFFFFFFFFFFFFFFFull);  // NaN where it is not written
  gridDim = {blocks, 1, 1};
  blockDim = {threads, 1, 1};
  const unsigned warps = (threads + 31) / 32;
  for (unsigned i = 0; i < blocks; ++i) {
    blockIdx = {reverse ? blocks - 1 - i : i, 0, 0};
    current.threads = current.live = threads;
    current.next = 0;
    current.body = &body;
    current.block = {};
    current.warp.assign(warps, {});
    current.slots.assign(threads + 32, 0);
    current.vote = 0;
    current.warp_live.assign(warps, 32);
    current.warp_live.back() = threads - (warps - 1) * 32;
    run_block();
  }
}

void block_barrier() { wait_at(current.block, current.live); }

void warp_barrier() {
  const unsigned warp = running->thread / 32;
  wait_at(current.warp[warp], current.warp_live[warp]);
}

void* dynamic_shared() { return shared.data(); }

uint64_t& exchange_slot(unsigned thread) { return current.slots[thread]; }

int vote(int predicate) {
  current.vote |= predicate;
  block_barrier();
  const int result = current.vote;
  if (current.block.arrived + 1 == current.live) current.vote = 0;  // the last one to have read it
  block_barrier();
  return result;
}

}  // namespace striate::cuda::emulated

int __syncthreads_or(int predicate) { return striate::cuda::emulated::vote(predicate); }

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  const char* without_code = std::getenv("STRIATE_EMULATED_WITHOUT_CODE");
  const int capability = without_code == nullptr ? 80 : std::atoi(without_code);
  *value = attribute == cudaDevAttrComputeCapabilityMajor   ? capability / 10
           : attribute == cudaDevAttrComputeCapabilityMinor ? capability % 10
                                                            : 1;  // few, so that loops go round
  return cudaSuccess;
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes*, void (*)()) {
  return std::getenv("STRIATE_EMULATED_WITHOUT_CODE") == nullptr ? cudaSuccess
                                                                 : cudaErrorNoKernelImageForDevice;
}
