// All in which the backends differ: where scratch comes from and where work runs.
#pragma once

#include <cstddef>
#include <cstdint>

namespace striate {

// Runs one chunk; `scratch` is this worker's own, 64-byte aligned, its contents undefined.
using ScratchBody = void (*)(void* argument, int64_t chunk, void* scratch);

struct Context {
  void* stream = nullptr;  // CUDA's, where the backend is that

  // Scratch for the whole call, from the pool of buffers; freed in `deallocate`.
  void* allocate(size_t bytes) const;
  void deallocate(void* buffer) const noexcept;
  // Runs `chunks` chunks on the thread pool, each with scratch_bytes of a worker's own scratch.
  void run(int64_t chunks, size_t scratch_bytes, ScratchBody body, void* argument) const;
};

}  // namespace striate
