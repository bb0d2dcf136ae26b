// One pair of handlers for every lock of the library, so that their order is fixed: a region that
// is waited for may still need the buffers' lock.
#include "core/fork.h"

#include <pthread.h>

#include "core/memory.h"
#include "core/pool.h"

namespace striate {
namespace {

void before() {
  pool_before_fork();
  memory_before_fork();
}

void in_parent() {
  memory_after_fork();
  pool_after_fork_in_parent();
}

void in_child() {
  memory_after_fork();
  pool_after_fork_in_child();
}

}  // namespace

void register_fork_handlers() { pthread_atfork(before, in_parent, in_child); }

}  // namespace striate
