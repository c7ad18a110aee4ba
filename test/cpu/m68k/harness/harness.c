// SPDX-License-Identifier: MIT
//
// Runs single 68040 instructions with a given register state, under Linux on m68k (here: qemu-m68k).
//
// Batches come on standard input: a count, then that many `struct request`. Each request's instruction goes into a slot
// of an executable area where every other word is the ILLEGAL instruction. A slot is entered by returning from a signal
// handler whose saved context is the request's state, and left through the next signal: an illegal instruction (the normal
// end, or after a branch) or whatever the instruction under test raised. The handler stores the context it finds as the
// answer. No C library.
typedef unsigned int u32;
typedef unsigned short u16;

enum { SLOT_WORDS = 128, FIRST_WORD = 64, MAX_WORDS = 12, MAX_BATCH = 1024, WINDOW_BYTES = 256, ILLEGAL = 0x4afc };
#define CODE ((volatile u16 *)0x70000000)
#define CODE_BYTES (MAX_BATCH * SLOT_WORDS * 2)
#define DATA_PAGES 0x71000000
#define WINDOW ((u32 *)0x71000f80)

struct state {
  u32 gregs[16];
  u32 sr;
  u32 fpcntl[3];
  u32 fpregs[24];
  u32 window[WINDOW_BYTES / 4];
};
struct request {
  u16 words[MAX_WORDS];
  struct state state;
};
struct answer {
  u32 signal, code, pc;
  struct state state;
};

static struct request requests[MAX_BATCH];
static struct answer answers[MAX_BATCH];
static char signal_stack[65536] __attribute__((aligned(16)));
static int count;
static int current;

// Linux's ucontext.
struct ucontext {
  u32 flags, link, stack[3];
  u32 version;
  u32 gregs[16];
  u32 pc, sr;
  u32 fpcntl[3];
  u32 fpregs[24];
};
struct siginfo {
  int signo, error, code;
};
enum { SIGILL = 4, SIGTRAP = 5, SIGBUS = 7, SIGFPE = 8, SIGSEGV = 11 };
enum { SA_SIGINFO = 4, SA_ONSTACK = 0x08000000, SA_NODEFER = 0x40000000 };
struct sigaction {
  void (*handler)(int, struct siginfo *, struct ucontext *);
  u32 flags;
  void *restorer;
  u32 mask[2];
};
struct stack {
  void *base;
  int flags;
  u32 size;
};
enum { SYS_exit = 1, SYS_read = 3, SYS_write = 4, SYS_rt_sigaction = 174, SYS_sigaltstack = 186, SYS_mmap2 = 192 };

static int syscall(u32 number, u32 a, u32 b, u32 c, u32 d, u32 e, u32 f) {
  register u32 d0 asm("d0") = number;
  register u32 d1 asm("d1") = a;
  register u32 d2 asm("d2") = b;
  register u32 d3 asm("d3") = c;
  register u32 d4 asm("d4") = d;
  register u32 d5 asm("d5") = e;
  register u32 a0 asm("a0") = f;
  asm volatile("trap #0" : "+d"(d0) : "d"(d1), "d"(d2), "d"(d3), "d"(d4), "d"(d5), "a"(a0) : "memory");
  return d0;
}

static void quit(int status) {
  for (;;) syscall(SYS_exit, status, 0, 0, 0, 0, 0);
}

static int transfer(u32 number, void *buffer, u32 bytes) {
  char *at = buffer;
  while (bytes > 0) {
    int done = syscall(number, number == SYS_read ? 0 : 1, (u32)at, bytes, 0, 0, 0);
    if (done <= 0) return 0;
    at += done;
    bytes -= done;
  }
  return 1;
}

static void save(struct answer *answer, int signal, int code, const struct ucontext *context) {
  int i;
  answer->signal = signal;
  answer->code = code;
  answer->pc = context->pc;
  for (i = 0; i < 16; i++) answer->state.gregs[i] = context->gregs[i];
  answer->state.sr = context->sr;
  for (i = 0; i < 3; i++) answer->state.fpcntl[i] = context->fpcntl[i];
  for (i = 0; i < 24; i++) answer->state.fpregs[i] = context->fpregs[i];
  for (i = 0; i < WINDOW_BYTES / 4; i++) answer->state.window[i] = WINDOW[i];
}

static void load(const struct state *state, struct ucontext *context) {
  int i;
  for (i = 0; i < 16; i++) context->gregs[i] = state->gregs[i];
  context->sr = state->sr;
  context->pc = (u32)(CODE + current * SLOT_WORDS + FIRST_WORD);
  for (i = 0; i < 3; i++) context->fpcntl[i] = state->fpcntl[i];
  for (i = 0; i < 24; i++) context->fpregs[i] = state->fpregs[i];
  for (i = 0; i < WINDOW_BYTES / 4; i++) WINDOW[i] = state->window[i];
}

/** Answers the request that ran, starts the next one; after the last, sends the answers and fetches another batch. */
static void on_signal(int signal, struct siginfo *info, struct ucontext *context) {
  int i, word;
  if (current >= 0) save(&answers[current], signal, info->code, context);
  if (++current >= count) {
    if (count > 0 && !transfer(SYS_write, answers, count * sizeof answers[0])) quit(2);
    if (!transfer(SYS_read, &count, sizeof count) || count == 0) quit(0);
    if (count < 0 || count > MAX_BATCH || !transfer(SYS_read, requests, count * sizeof requests[0])) quit(3);
    for (i = 0; i < count; i++) {
      for (word = 0; word < MAX_WORDS; word++) CODE[i * SLOT_WORDS + FIRST_WORD + word] = requests[i].words[word];
    }
    current = 0;
  }
  load(&requests[current].state, context);
}

static int map(u32 address, u32 bytes) {
  // PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS
  return (u32)syscall(SYS_mmap2, address, bytes, 7, 0x32, -1, 0) == address;
}

void _start(void) {
  static const int signals[] = {SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV};
  struct stack stack = {signal_stack, 0, sizeof signal_stack};
  struct sigaction action = {on_signal, SA_SIGINFO | SA_ONSTACK | SA_NODEFER, 0, {0, 0}};
  u32 i;
  if (!map((u32)CODE, CODE_BYTES) || !map(DATA_PAGES, 8192)) quit(4);
  for (i = 0; i < CODE_BYTES / 2; i++) CODE[i] = ILLEGAL;
  if (syscall(SYS_sigaltstack, (u32)&stack, 0, 0, 0, 0, 0) < 0) quit(5);
  for (i = 0; i < sizeof signals / sizeof signals[0]; i++) {
    if (syscall(SYS_rt_sigaction, signals[i], (u32)&action, 0, sizeof action.mask, 0, 0) < 0) quit(6);
  }
  current = -1;
  count = 0;
  asm volatile(".word 0x4afc");
  quit(7);
}
