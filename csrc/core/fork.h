#pragma once

namespace striate {

// Lets a child that was forked after the library was used compute again. Called once, at import.
void register_fork_handlers();

}  // namespace striate
