// SPDX-License-Identifier: MIT
//
// Executes instructions that a test sends, in user mode under qemu-arm, and sends back what they did. Everything is in
// this machine's byte order. R13 points to the state while they run; they must leave it alone.
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define CODE 0x100000u
#define DATA 0x200000u
#define DATA_WORDS 1024
#define CODE_BYTES 64
#define WINDOW 0x700
#define WINDOW_BYTES 256
#define FLAG_THUMB 1u
#define FLAG_V7 2u

struct state {
  uint32_t r[15]; // R13 is not used
  uint32_t cpsr;
  uint32_t fpscr;
  uint32_t entry, exit, stack, vfp, pad;
  uint64_t d[32];
};

struct request {
  uint32_t flags; // FLAG_…
  uint32_t vfp;
  uint32_t length; // of the code
  uint32_t seed;   // of the data
  struct state state;
  uint8_t code[CODE_BYTES];
};

struct answer {
  uint32_t signal, pc;
  uint32_t checksum; // of the data
  uint32_t pad;
  struct state state;
  uint8_t window[WINDOW_BYTES];
};

extern void enter(struct state *state);
extern void leave(void);
extern void save_vfp(struct state *state);

__asm__(
    ".syntax unified\n.arch armv7-a\n.fpu neon\n.arm\n"
    ".global enter\nenter:\n"
    "  push {r4-r11, lr}\n  str sp, [r0, #76]\n  mov sp, r0\n"
    "  ldr r1, [sp, #80]\n  cmp r1, #0\n  beq 1f\n"
    "  ldr r1, [sp, #64]\n  vmsr fpscr, r1\n  add r1, sp, #88\n  vldmia r1!, {d0-d15}\n  vldmia r1, {d16-d31}\n"
    "1: ldr r1, [sp, #60]\n  msr cpsr_fs, r1\n  ldr lr, [sp, #56]\n  ldm sp, {r0-r12}\n  ldr pc, [sp, #68]\n"
    ".global leave\nleave:\n"
    "  stm sp, {r0-r12}\n  str lr, [sp, #56]\n  mrs r0, cpsr\n  str r0, [sp, #60]\n  mov r0, sp\n  bl save_vfp\n"
    "  ldr sp, [r0, #76]\n  pop {r4-r11, pc}\n"
    ".global save_vfp\nsave_vfp:\n"
    "  ldr r1, [r0, #80]\n  cmp r1, #0\n  bxeq lr\n"
    "  vmrs r1, fpscr\n  str r1, [r0, #64]\n  add r1, r0, #88\n  vstmia r1!, {d0-d15}\n  vstmia r1, {d16-d31}\n  bx lr\n");

static struct request request;
static struct answer answer;
static sigjmp_buf back;

static void handler(int number, siginfo_t *info, void *context) {
  (void)info;
  const ucontext_t *at = context;
  const mcontext_t *m = &at->uc_mcontext;
  save_vfp(&answer.state);
  answer.signal = number;
  answer.pc = m->arm_pc;
  const uint32_t registers[] = {m->arm_r0, m->arm_r1, m->arm_r2, m->arm_r3, m->arm_r4,  m->arm_r5, m->arm_r6, m->arm_r7,
                                m->arm_r8, m->arm_r9, m->arm_r10, m->arm_fp, m->arm_ip};
  memcpy(answer.state.r, registers, sizeof registers);
  answer.state.r[14] = m->arm_lr;
  answer.state.cpsr = m->arm_cpsr;
  siglongjmp(back, 1);
}

static int all(ssize_t (*f)(int, void *, size_t), int file, void *buffer, size_t bytes) {
  for (size_t done = 0; done < bytes;) {
    ssize_t n = f(file, (char *)buffer + done, bytes - done);
    if (n <= 0) return 0;
    done += n;
  }
  return 1;
}

static ssize_t put(int file, void *buffer, size_t bytes) { return write(file, buffer, bytes); }

int main(void) {
  static char stack[65536];
  const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&alternate, 0);
  const struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  const int signals[] = {SIGILL, SIGSEGV, SIGBUS, SIGTRAP, SIGFPE};
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, 0);
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  uint8_t *code = mmap((void *)CODE, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, flags, -1, 0);
  uint32_t *data = mmap((void *)DATA, 4096, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (code != (void *)CODE || data != (void *)DATA) return 2;
  uint32_t *constants = (uint32_t *)code;
  for (uint32_t n = 0; n < 1024; n++) constants[n] = n * 2654435761u;
  uint32_t count;
  while (all(read, 0, &count, 4) && count != 0) {
    static struct answer answers[256];
    static struct request requests[256];
    if (count > 256 || !all(read, 0, requests, count * sizeof request)) return 1;
    for (volatile uint32_t i = 0; i < count; i++) {
      request = requests[i];
      memcpy(code, request.code, CODE_BYTES);
      __builtin___clear_cache((char *)code, (char *)code + CODE_BYTES);
      uint32_t x = request.seed;
      for (int n = 0; n < DATA_WORDS; n++) data[n] = x = x * 1664525u + 1013904223u;
      memset(&answer, 0, sizeof answer);
      answer.state = request.state;
      answer.state.vfp = request.vfp;
      answer.state.entry = CODE | (request.flags & FLAG_THUMB);
      answer.state.exit = (uint32_t)leave;
      if (request.flags & FLAG_V7) __asm__ volatile(".arch armv7-a\n clrex");
      if (sigsetjmp(back, 1) == 0) {
        enter(&answer.state);
        answer.pc = CODE + request.length;
      }
      uint32_t sum = 0;
      for (int n = 0; n < DATA_WORDS; n++) sum = (sum << 5 | sum >> 27) ^ data[n];
      answer.checksum = sum;
      memcpy(answer.window, (uint8_t *)data + WINDOW, WINDOW_BYTES);
      answers[i] = answer;
    }
    if (!all(put, 1, answers, count * sizeof answer)) return 1;
  }
  return 0;
}
