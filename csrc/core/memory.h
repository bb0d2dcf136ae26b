// Buffers for results and scratch: 64-byte aligned, kept when freed and handed out again, so that a
// steady training step asks the system for nothing (a fresh page costs more than the kernel that
// fills it).
#pragma once

#include <cstddef>
#include <cstdint>

namespace striate {

// Never null; throws std::bad_alloc. The contents are undefined.
void* acquire_buffer(size_t bytes);
void release_buffer(void* buffer) noexcept;

struct MemoryStats {
  int64_t in_use_bytes;        // handed out and not yet returned
  int64_t cached_bytes;        // kept for reuse
  int64_t peak_bytes;          // highest in_use_bytes so far
  int64_t limit_bytes;         // cached_bytes never exceeds it (STRIATE_POOL_MB)
  int64_t system_allocations;  // times that the system was asked
  int64_t reuses;              // times that it was not
};
MemoryStats memory_stats();
void empty_cache();
void set_cache_limit(int64_t bytes);

// A scratch buffer for one scope.
class Buffer {
 public:
  explicit Buffer(size_t bytes) : data_(acquire_buffer(bytes)) {}
  ~Buffer() { release_buffer(data_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  void* data() const { return data_; }

 private:
  void* data_;
};

void memory_before_fork();
void memory_after_fork();

}  // namespace striate
