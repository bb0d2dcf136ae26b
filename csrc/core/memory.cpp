#include "core/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <new>

namespace striate {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kHugePage = size_t{2} << 20;
constexpr int kClasses = 64 * 4;

#if defined(STRIATE_SANITIZED)
constexpr bool kReuse = false;  // a reused buffer would hide errors from the sanitizer
#else
constexpr bool kReuse = true;
#endif

// Stands in the 64 bytes before each buffer.
struct Header {
  Header* next;
  size_t bytes;  // of the whole block, header included
  int size_class;
};
static_assert(sizeof(Header) <= kAlignment, "the header must fit before the buffer");

// Four classes to a doubling: at most a quarter of a block is waste.
struct SizeClass {
  int index;
  size_t bytes;
};

SizeClass size_class(size_t bytes) {
  size_t base = 256;
  int index = 0;
  while (base < bytes / 2 + (bytes & 1)) {
    base *= 2;
    index += 4;
  }
  // base < bytes <= 2 * base, or bytes fits the smallest class
  if (bytes <= base) return {index, base};
  const size_t step = base / 4;
  const size_t steps = (bytes - base + step - 1) / step;
  return {index + static_cast<int>(steps), base + steps * step};
}

int64_t default_limit() {
  const int64_t pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGE_SIZE);
  return pages > 0 && page > 0 ? pages * page / 4 : int64_t{1} << 30;
}

struct Cache {
  std::mutex mutex;
  Header* free[kClasses] = {};
  MemoryStats stats = {0, 0, 0, default_limit(), 0, 0};
};

// Never destroyed: arrays may be freed after static destructors have run.
Cache& cache() {
  static Cache* const instance = new Cache;
  return *instance;
}

Header* allocate(const SizeClass& size) {
  const bool huge = size.bytes >= 2 * kHugePage;
  const size_t alignment = huge ? kHugePage : kAlignment;
  const size_t bytes = (size.bytes + alignment - 1) / alignment * alignment;
  void* block = std::aligned_alloc(alignment, bytes);
  if (block == nullptr) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
  if (huge) madvise(block, bytes, MADV_HUGEPAGE);  // fewer page faults; harmless where refused
#endif
  Header* header = static_cast<Header*>(block);
  header->bytes = size.bytes;
  header->size_class = size.index;
  return header;
}

}  // namespace

void* acquire_buffer(size_t bytes) {
  if (bytes > static_cast<size_t>(INT64_MAX) / 4) throw std::bad_alloc();
  const SizeClass size = size_class(bytes + kAlignment);
  Cache& c = cache();
  Header* header = nullptr;
  {
    std::lock_guard<std::mutex> lock(c.mutex);
    if (kReuse && c.free[size.index] != nullptr) {
      header = c.free[size.index];
      c.free[size.index] = header->next;
      c.stats.cached_bytes -= header->bytes;
      ++c.stats.reuses;
    } else {
      ++c.stats.system_allocations;
    }
  }
  if (header == nullptr) {
    try {
      header = allocate(size);
    } catch (const std::bad_alloc&) {
      empty_cache();  // what is kept for reuse in other sizes may be what is missing
      header = allocate(size);
    }
  }
  {
    std::lock_guard<std::mutex> lock(c.mutex);
    c.stats.in_use_bytes += header->bytes;
    c.stats.peak_bytes = std::max(c.stats.peak_bytes, c.stats.in_use_bytes);
  }
  return reinterpret_cast<char*>(header) + kAlignment;
}

void release_buffer(void* buffer) noexcept {
  Header* header = reinterpret_cast<Header*>(static_cast<char*>(buffer) - kAlignment);
  Cache& c = cache();
  {
    std::lock_guard<std::mutex> lock(c.mutex);
    const int64_t bytes = static_cast<int64_t>(header->bytes);
    c.stats.in_use_bytes -= bytes;
    if (kReuse && c.stats.cached_bytes + bytes <= c.stats.limit_bytes) {
      header->next = c.free[header->size_class];
      c.free[header->size_class] = header;
      c.stats.cached_bytes += bytes;
      return;
    }
  }
  std::free(header);
}

MemoryStats memory_stats() {
  Cache& c = cache();
  std::lock_guard<std::mutex> lock(c.mutex);
  return c.stats;
}

void empty_cache() {
  Cache& c = cache();
  std::lock_guard<std::mutex> lock(c.mutex);
  for (Header*& list : c.free) {
    while (list != nullptr) {
      Header* next = list->next;
      c.stats.cached_bytes -= list->bytes;
      std::free(list);
      list = next;
    }
  }
}

void set_cache_limit(int64_t bytes) {
  Cache& c = cache();
  std::lock_guard<std::mutex> lock(c.mutex);
  c.stats.limit_bytes = bytes;
}

void memory_before_fork() { cache().mutex.lock(); }
void memory_after_fork() { cache().mutex.unlock(); }

}  // namespace striate
