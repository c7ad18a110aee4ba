// SPDX-License-Identifier: MIT
//
// Runs single PowerPC instructions with a given register state, under Linux on PowerPC (here: qemu-ppc).
//
// Batches come on standard input: a count, then that many `struct request`. Each request's instructions go into a slot of
// an executable area where every other word is zero, an illegal instruction. A slot is entered by returning from a
// signal handler whose saved context is the request's state, and left through the next signal: an illegal instruction
// (the normal end, or after a branch) or whatever the instruction under test raised. The handler stores the context it
// finds as the answer. No C library: the handler runs with the guest's random r2 and r13.
typedef unsigned int u32;
typedef unsigned long long u64;

enum { SLOT_WORDS = 16, FIRST_WORD = 4, MAX_WORDS = 4, MAX_BATCH = 1024, WINDOW_BYTES = 256 };
#define CODE ((volatile u32 *)0x70000000)
#define CODE_BYTES (MAX_BATCH * SLOT_WORDS * 4)
#define DATA_PAGES 0x71000000
#define WINDOW ((u32 *)0x71000f80)

struct request {
  u32 words[MAX_WORDS];
  u32 gpr[32];
  u32 cr, xer, lr, ctr, fpscr, unused;
  u64 fpr[32];
  u32 window[WINDOW_BYTES / 4];
};
struct answer {
  u32 signal, code, pc, unused;
  u32 gpr[32];
  u32 cr, xer, lr, ctr, fpscr, msr;
  u64 fpr[32];
  u32 window[WINDOW_BYTES / 4];
};

static struct request requests[MAX_BATCH];
static struct answer answers[MAX_BATCH];
static char signal_stack[65536] __attribute__((aligned(16)));
static int count;
static int current;

// Linux's 32-bit PowerPC signal frame.
enum { UC_REGS = 12 }; // word offset of the pointer to mcontext in ucontext
enum { NIP = 32, MSR = 33, CTR = 35, LNK = 36, XER = 37, CCR = 38, GREGS = 48 };
struct mcontext {
  u32 gregs[GREGS];
  u64 fregs[33]; // the last one is FPSCR
};
struct siginfo {
  int signo, error, code;
};
enum { SIGILL = 4, SIGTRAP = 5, SIGBUS = 7, SIGFPE = 8, SIGSEGV = 11 };
enum { SA_SIGINFO = 4, SA_ONSTACK = 0x08000000, SA_NODEFER = 0x40000000 };
struct sigaction {
  void (*handler)(int, struct siginfo *, u32 *);
  u32 flags;
  void *restorer;
  u64 mask;
};
struct stack {
  void *base;
  int flags;
  u32 size;
};
enum { SYS_exit = 1, SYS_read = 3, SYS_write = 4, SYS_mmap = 90, SYS_rt_sigaction = 173, SYS_sigaltstack = 185 };

static u32 syscall(u32 number, u32 a, u32 b, u32 c, u32 d, u32 e, u32 f) {
  register u32 r0 asm("r0") = number;
  register u32 r3 asm("r3") = a;
  register u32 r4 asm("r4") = b;
  register u32 r5 asm("r5") = c;
  register u32 r6 asm("r6") = d;
  register u32 r7 asm("r7") = e;
  register u32 r8 asm("r8") = f;
  asm volatile("sc\n\tbns+ 1f\n\tneg 3,3\n1:"
               : "+r"(r0), "+r"(r3), "+r"(r4), "+r"(r5), "+r"(r6), "+r"(r7), "+r"(r8)
               :
               : "r9", "r10", "r11", "r12", "cr0", "ctr", "memory");
  return r3;
}

static void quit(int status) {
  for (;;) syscall(SYS_exit, status, 0, 0, 0, 0, 0);
}

static int transfer(u32 number, void *buffer, u32 bytes) {
  char *at = buffer;
  while (bytes > 0) {
    int done = (int)syscall(number, number == SYS_read ? 0 : 1, (u32)at, bytes, 0, 0, 0);
    if (done <= 0) return 0;
    at += done;
    bytes -= done;
  }
  return 1;
}

/** Rounding mode and exception enables; the frame's FPSCR alone does not reach the arithmetic of every kernel. */
static void set_fp_mode(u32 fpscr) {
  u64 bits = fpscr & 0xff;
  asm volatile("lfd 0,0(%0)\n\tmtfsf 255,0" : : "b"(&bits), "m"(bits) : "fr0");
}

static void save(struct answer *answer, int signal, int code, const struct mcontext *context) {
  int i;
  answer->signal = signal;
  answer->code = code;
  answer->pc = context->gregs[NIP];
  for (i = 0; i < 32; i++) answer->gpr[i] = context->gregs[i];
  for (i = 0; i < 32; i++) answer->fpr[i] = context->fregs[i];
  answer->cr = context->gregs[CCR];
  answer->xer = context->gregs[XER];
  answer->lr = context->gregs[LNK];
  answer->ctr = context->gregs[CTR];
  answer->msr = context->gregs[MSR];
  answer->fpscr = (u32)context->fregs[32];
  for (i = 0; i < WINDOW_BYTES / 4; i++) answer->window[i] = WINDOW[i];
}

static void load(const struct request *request, struct mcontext *context) {
  int i;
  for (i = 0; i < 32; i++) context->gregs[i] = request->gpr[i];
  for (i = 0; i < 32; i++) context->fregs[i] = request->fpr[i];
  context->gregs[CCR] = request->cr;
  context->gregs[XER] = request->xer;
  context->gregs[LNK] = request->lr;
  context->gregs[CTR] = request->ctr;
  context->gregs[NIP] = (u32)(CODE + current * SLOT_WORDS + FIRST_WORD);
  context->fregs[32] = request->fpscr;
  for (i = 0; i < WINDOW_BYTES / 4; i++) WINDOW[i] = request->window[i];
  set_fp_mode(request->fpscr);
}

/** Answers the request that ran, starts the next one; after the last, sends the answers and fetches another batch. */
static void on_signal(int signal, struct siginfo *info, u32 *ucontext) {
  struct mcontext *context = (struct mcontext *)ucontext[UC_REGS];
  int i, word;
  if (current >= 0) save(&answers[current], signal, info->code, context);
  if (++current >= count) {
    if (count > 0 && !transfer(SYS_write, answers, count * sizeof answers[0])) quit(2);
    if (!transfer(SYS_read, &count, sizeof count) || count == 0) quit(0);
    if (count < 0 || count > MAX_BATCH || !transfer(SYS_read, requests, count * sizeof requests[0])) quit(3);
    for (i = 0; i < count; i++) {
      for (word = 0; word < MAX_WORDS; word++) CODE[i * SLOT_WORDS + FIRST_WORD + word] = requests[i].words[word];
    }
    for (i = 0; i < count * SLOT_WORDS * 4; i += 32) asm volatile("dcbst %0,%1" : : "b"((u32)CODE), "r"(i) : "memory");
    asm volatile("sync" : : : "memory");
    for (i = 0; i < count * SLOT_WORDS * 4; i += 32) asm volatile("icbi %0,%1" : : "b"((u32)CODE), "r"(i) : "memory");
    asm volatile("sync\n\tisync" : : : "memory");
    current = 0;
  }
  load(&requests[current], context);
}

static int map(u32 address, u32 bytes) {
  // PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS
  return syscall(SYS_mmap, address, bytes, 7, 0x32, -1, 0) == address;
}

void _start(void) {
  static const int signals[] = {SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV};
  struct stack stack = {signal_stack, 0, sizeof signal_stack};
  struct sigaction action = {on_signal, SA_SIGINFO | SA_ONSTACK | SA_NODEFER, 0, 0};
  u32 i;
  if (!map((u32)CODE, CODE_BYTES) || !map(DATA_PAGES, 8192)) quit(4);
  if ((int)syscall(SYS_sigaltstack, (u32)&stack, 0, 0, 0, 0, 0) < 0) quit(5);
  for (i = 0; i < sizeof signals / sizeof signals[0]; i++) {
    if ((int)syscall(SYS_rt_sigaction, signals[i], (u32)&action, 0, sizeof action.mask, 0, 0) < 0) quit(6);
  }
  current = -1;
  count = 0;
  asm volatile(".long 0");
  quit(7);
}
