// SPDX-License-Identifier: MIT
//
// libshapes.so: the home of the exception types, and frames for exceptions to pass through.
#include "shapes.hpp"

namespace shapes {

Error::Error(const std::string &what, int depth) : std::runtime_error(what), depth(depth) {}
Error::~Error() = default;
TooDeep::TooDeep(int depth) : Error("too deep", depth) {}

__attribute__((noinline)) int descend(int depth, int &guards, double ballast) {
  Guard guard(guards);
  std::string text(static_cast<size_t>(depth % 40), 'x');
  // Preserved registers of all kinds are live across the call.
  double a = ballast * 1.5, b = ballast - 2.25, c = ballast / 3;
  long i = depth * 3L, j = depth ^ 0x55L, k = ~static_cast<long>(depth);
  if (depth == 0) throw TooDeep(guards);
  int result = descend(depth - 1, guards, ballast + 1);
  return result + static_cast<int>(a + b + c) + static_cast<int>(i + j + k) + static_cast<int>(text.size());
}

void relay(void (*visit)(void *), void *argument, std::string &log) {
  int guards = 0;
  try {
    Guard guard(guards);
    visit(argument);
    log += "returned;";
  } catch (Error &error) {
    log += "relayed " + std::string(error.what()) + " guards " + std::to_string(guards) + ";";
    error.depth += 1000;
    throw;
  } catch (const std::exception &error) {
    log += std::string("wrapped ") + error.what() + ";";
    std::throw_with_nested(Error("outer", 7));
  }
}

} // namespace shapes
