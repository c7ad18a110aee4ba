// SPDX-License-Identifier: MIT
//
// plugin.so: opened at run time; makes shapes, throws, and has a thread-local counter.
#include "shapes.hpp"
#include <cmath>
#include <cstdio>

namespace {

struct Circle final : shapes::Shape {
  explicit Circle(double radius) : radius(radius) {
    if (!(radius >= 0)) throw shapes::Error("negative radius", 3);
  }
  double area() const override { return M_PI * radius * radius; }
  std::string name() const override { return "circle of " + std::to_string(radius); }
  double radius;
};

thread_local int calls = 40;

struct Announce {
  Announce() { std::puts("plugin: loaded"); }
  ~Announce() { std::puts("plugin: unloaded"); }
} announce;

struct Private {
  int value;
};

} // namespace

extern "C" shapes::Shape *make_shape(double radius) { return new Circle(radius); }
extern "C" void fail(int how) {
  if (how == 0) throw shapes::TooDeep(99);
  if (how == 1) throw 42L;
  if (how == 2) throw std::out_of_range("plugin range");
  throw Private{how};
}
extern "C" int count_here() { return ++calls; }
