// SPDX-License-Identifier: MIT
//
// Reads, writes, jumps and calls at random addresses: wild [COUNT [SEED]]. Every attempt that faults comes back through
// its signal; says how many of each kind there were, and that the rest was harmless. "wild how" ends by one instead.
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static sigjmp_buf back;
static uint64_t state;
static char own[65536];

static uint64_t rnd(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static uint64_t wild_address(void) {
  static const uint64_t bases[] = {
      0, 0x2000000000000000, 0x4000000000000000, 0x6000000000000000, 0x8000000000000000,
      0xa000000000000000, 0xc000000000000000, 0xe000000000000000, 0x60000fffffffc000, 0x2000100000000000,
  };
  uint64_t base = bases[rnd() % (sizeof bases / sizeof *bases)];
  switch (rnd() % 5) {
  case 0: return rnd();
  case 1: return base + rnd() % 65536;
  case 2: return base - 1 - rnd() % 65536;
  case 3: return base + (rnd() & 0xfffffffffff);
  default: return base + (UINT64_C(1) << (rnd() % 61)) - (rnd() % 3);
  }
}

static void caught(int signal, siginfo_t *info, void *context) {
  (void)info, (void)context;
  siglongjmp(back, signal);
}

// Writable addresses are the program's own: it must not destroy itself.
static int mine(uint64_t at) {
  uint64_t region = at >> 61;
  return region == 3 || (region == 1 && at < 0x2000100000000000);
}

int main(int argc, char **argv) {
  if (argc > 1 && argv[1][0] >= 'a') {
    volatile char *nowhere = (volatile char *)(uintptr_t)0x7123456789abcdef;
    if (!strcmp(argv[1], "read")) return *nowhere;
    if (!strcmp(argv[1], "write")) *nowhere = 1;
    if (!strcmp(argv[1], "call")) ((void (*)(void))own)();
    if (!strcmp(argv[1], "stack")) {
      volatile char *sp = __builtin_alloca(1);
      for (;; sp -= 4096) *sp = 1;
    }
    return 0;
  }
  long count = argc > 1 ? atol(argv[1]) : 1000;
  state = 88172645463325252u ^ (argc > 2 ? strtoull(argv[2], 0, 0) << 20 : 0);
  static char alternate[1 << 17];
  stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
  sigaltstack(&stack, 0);
  struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
  for (int signal = SIGILL; signal <= SIGSEGV; signal++)
    if (signal != SIGKILL && signal != SIGABRT) sigaction(signal, &action, 0);
  volatile long faults = 0, harmless = 0;
  for (volatile long n = 0; n < count; n++) {
    uint64_t at = wild_address();
    int kind = rnd() % 4;
    if (sigsetjmp(back, 1) != 0) {
      faults++;
      continue;
    }
    switch (kind) {
    case 0:
      switch (rnd() % 3) {
      case 0: *(volatile char *)at; break;
      case 1: *(volatile long *)at; break;
      default: *(volatile long double *)at;
      }
      break;
    case 1:
      if (!mine(at)) *(volatile long *)at = n;
      break;
    case 2: {
      // A descriptor that points into the wild. What happens to be code may do anything: not into the program.
      if ((at >> 61) == 2 && at < 0x4000000000000000 + (1 << 24)) break;
      if ((at >> 61) == 5) break;
      uint64_t descriptor[2] = {at, rnd()};
      ((void (*)(void))(uintptr_t)descriptor)();
      break;
    }
    default:
      if (!mine(at)) write(1, (void *)at, 1);
      break;
    }
    harmless++;
  }
  dprintf(2, "%ld faults, %ld harmless\n", faults, harmless);
  return faults + harmless == count ? 0 : 1;
}
