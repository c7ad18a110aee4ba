// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <stdexcept>
#include <string>

namespace shapes {

// Defined in libshapes.so, thrown there, in the plug-in and in the program, and caught in all of them.
struct Error : std::runtime_error {
  explicit Error(const std::string &what, int depth = 0);
  ~Error() override;
  int depth;
};
struct TooDeep : virtual Error {
  explicit TooDeep(int depth);
};

/** Counts itself: what unwinding must destroy. */
struct Guard {
  explicit Guard(int &count) : count(count) { ++count; }
  ~Guard() { --count; }
  Guard(const Guard &) = delete;
  int &count;
};

struct Shape {
  virtual ~Shape() = default;
  virtual double area() const = 0;
  virtual std::string name() const = 0;
};

/** Calls itself `depth` times with a guard in each frame, then throws. */
int descend(int depth, int &guards, double ballast);
/** Calls `visit`, which may throw, from a frame of the library; adds to what it throws. */
void relay(void (*visit)(void *), void *argument, std::string &log);

using MakeShape = Shape *(*)(double);
using Fail = void (*)(int);
using CountHere = int (*)();

} // namespace shapes
