// Errors in the house's one form: "conv2d: groups must divide C_in. Got groups=3, C_in=64."
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace striate {

// A right type with a wrong value; a ValueError in Python.
struct ValueError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// A wrong type or dtype; a TypeError in Python.
struct TypeError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

template <class Error = ValueError, class... Parts>
[[noreturn]] void fail(const char* function, const Parts&... parts) {
  std::ostringstream message;
  message << function << ": ";
  (message << ... << parts);
  throw Error(message.str());
}

// `parts` name the rule and the values that break it.
template <class... Parts>
void check(bool holds, const char* function, const Parts&... parts) {
  if (!holds) fail(function, parts...);
}

}  // namespace striate
