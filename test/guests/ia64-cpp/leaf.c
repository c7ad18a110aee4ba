// SPDX-License-Identifier: MIT
//
// Functions that signals interrupt anywhere. They are C, which has no table of the places that may throw: with one,
// a signal at any other place ends the program.

int peek(const volatile char *at) { return *at; }

void *spin(void *ready) {
  __atomic_fetch_add((int *)ready, 1, __ATOMIC_SEQ_CST);
  for (volatile unsigned long n = 0;; n++) {
  }
}
