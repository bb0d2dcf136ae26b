#include "core/context.h"

#include "core/memory.h"
#include "core/pool.h"

namespace striate {
namespace {

struct Region {
  ScratchBody body;
  void* argument;
  char* scratch;
  size_t stride;
};

void run_one(void* region_pointer, int64_t chunk, int worker) {
  const Region& region = *static_cast<const Region*>(region_pointer);
  region.body(region.argument, chunk, region.scratch + worker * region.stride);
}

}  // namespace

void* Context::allocate(size_t bytes) const { return acquire_buffer(bytes); }
void Context::deallocate(void* buffer) const noexcept { release_buffer(buffer); }

void Context::run(int64_t chunks, size_t scratch_bytes, ScratchBody body, void* argument) const {
  if (chunks <= 0) return;
  const int threads = num_threads();
  const int workers = chunks < threads ? static_cast<int>(chunks) : threads;
  if (scratch_bytes == 0) {
    Region region{body, argument, nullptr, 0};
    return run_chunks(chunks, workers, run_one, &region);
  }
  // 128 further bytes keep two workers' scratch off one pair of cache lines.
  const size_t stride = (scratch_bytes + 63) / 64 * 64 + 128;
  Buffer scratch(stride * static_cast<size_t>(workers));
  Region region{body, argument, static_cast<char*>(scratch.data()), stride};
  run_chunks(chunks, workers, run_one, &region);
}

}  // namespace striate
