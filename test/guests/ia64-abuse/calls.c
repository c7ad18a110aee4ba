// SPDX-License-Identifier: MIT
//
// Random system calls with random arguments: calls COUNT SEED, in a folder that may be destroyed. Children make them,
// a thousand each, because a call may end, stop or cripple the process that makes it. Calls that could reach outside of
// the folder are left out, or get arguments that do not: see restrain().
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t state;
static uint64_t rnd(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state * UINT64_C(0x2545f4914f6cdd1d);
}

struct shared {
  volatile long done, errors, ends[65];
};
static struct shared *shared;
static char *arena; // 256 KiB that calls write to
static pid_t family;

static const char *const names[] = {
    "a", "b", "c", "d", "d/a", "d/b", "e/f", "link", "fifo", "sock", ".", "./a", "d/../a", "", "a/b", "d/d/d/d",
    "/proc/self/exe", "/proc/self/maps", "/proc/self/fd/0", "/proc/self/stat", "/dev/null", "/dev/zero",
    "a-name-that-is-a-good-deal-longer-than-any-file-name-may-be-"
    "a-name-that-is-a-good-deal-longer-than-any-file-name-may-be-"
    "a-name-that-is-a-good-deal-longer-than-any-file-name-may-be-"
    "a-name-that-is-a-good-deal-longer-than-any-file-name-may-be-and-more",
};

static uint64_t value(void) {
  switch (rnd() % 16) {
  case 0: return rnd();
  case 1: return rnd() % 4096;
  case 2: return rnd() % 16;
  case 3: return -(rnd() % 16);
  case 4: return UINT64_C(1) << (rnd() % 64);
  case 5: return (UINT64_C(1) << (rnd() % 64)) - 1;
  case 6: return (uint64_t)arena + rnd() % 200000;
  case 7: return (uint64_t)arena + rnd() % 25000 * 8;
  case 8: return (uint64_t)arena + (rnd() % 16) * 16384;
  case 9: return (uint64_t)names[rnd() % (sizeof names / sizeof *names)];
  case 10: return (uint64_t)names[rnd() % (sizeof names / sizeof *names)];
  case 11: return rnd() % 40;
  case 12: return (uint64_t)AT_FDCWD;
  case 13: return rnd() & 0xffffffff;
  case 14: return 0;
  default: return (uint64_t)arena + 262144 - rnd() % 64;
  }
}

static void fill(void) {
  for (int n = 0; n < 64; n++) {
    size_t at = rnd() % 24000 * 8;
    uint64_t v = value();
    memcpy(arena + at, &v, 8);
  }
  // Addresses of sockets in the folder and of nobody on this machine.
  for (int n = 0; n < 8; n++) {
    struct {
      uint16_t family;
      char name[8];
    } address = {AF_UNIX, "sock"};
    memcpy(arena + rnd() % 24000 * 8, &address, sizeof address);
  }
}

static int restrain(long number, uint64_t *a) {
  switch (number) {
  case SYS_exit: case SYS_exit_group: case SYS_rt_sigreturn: // end the round too soon
  case SYS_reboot: case SYS_kexec_load: case SYS_swapon: case SYS_swapoff: case SYS_mount: case SYS_umount2:
  case SYS_setdomainname: case SYS_sethostname: case SYS_settimeofday: case SYS_clock_settime: case SYS_adjtimex:
  case SYS_clock_adjtime: case SYS_sync: case SYS_syncfs: case SYS_fsync: case SYS_fdatasync: case SYS_syslog:
  case SYS_ptrace: case SYS_vhangup: case SYS_chroot: case SYS_pivot_root: case SYS_acct: case SYS_quotactl:
    return 0;
  case SYS_execve: case SYS_execveat: // not some program of the host
    a[0] = (uint64_t)"/proc/self/exe";
    a[1] = a[2] = rnd() % 2 ? 0 : a[1];
    return number == SYS_execve && rnd() % 64 == 0;
  case SYS_kill: case SYS_tkill: case SYS_rt_sigqueueinfo:
    a[0] = rnd() % 4 ? getpid() : (rnd() | 0x40000000) & 0x7fffffff;
    return 1;
  case SYS_tgkill: case SYS_rt_tgsigqueueinfo:
    a[0] = a[1] = getpid();
    return 1;
  case SYS_pidfd_send_signal: case SYS_setpgid: case SYS_setsid:
    return 0;
  case SYS_clone: case SYS_clone2:
    // Children get out of the way at once; see below.
    a[0] = rnd() % 2 ? SIGCHLD : 0x00000100 | 0x00004000 | SIGCHLD;
    a[1] = a[2] = a[3] = a[4] = a[5] = 0;
    return rnd() % 8 == 0;
  case SYS_fallocate: case SYS_ftruncate: case SYS_truncate:
    // Disks are finite.
    for (int n = 1; n < 4; n++) a[n] %= 1 << 20;
    return 1;
  case SYS_lseek: case SYS_pwrite64: case SYS_pwritev: case SYS_pwritev2:
    if (rnd() % 8) a[1] %= 65536, a[3] %= 1 << 20;
    return 1;
  case SYS_munmap: case SYS_mprotect: case SYS_mremap: case SYS_madvise: case SYS_mmap: case SYS_mmap2: case SYS_brk:
  case SYS_shmat: case SYS_shmdt: case SYS_remap_file_pages:
    return rnd() % 4 == 0; // these end a round early
  case SYS_setrlimit: case SYS_prlimit64:
    return rnd() % 16 == 0;
  case SYS_connect: case SYS_bind: case SYS_sendto: case SYS_sendmsg: case SYS_sendmmsg:
    return 1; // the addresses at hand are names in this folder
  default:
    return 1;
  }
}

static void nothing(int signal) { (void)signal; }

static void round_of_calls(long count) {
  arena = mmap(0, 262144, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct sigaction action = {.sa_handler = nothing};
  sigaction(SIGALRM, &action, 0);
  pid_t self = getpid();
  for (long n = 0; n < count; n++) {
    if (n % 16 == 0) fill();
    uint64_t a[6];
    for (int i = 0; i < 6; i++) a[i] = value();
    long number = rnd() % 64 ? 1024 + (long)(rnd() % 452) : (long)value();
    if (!restrain(number, a)) continue;
    if (getenv("TELL")) dprintf(2, "%ld(%#lx, %#lx, %#lx, %#lx, %#lx, %#lx)\n", number, a[0], a[1], a[2], a[3], a[4], a[5]);
    // Nothing waits longer than this.
    ualarm(3000, 3000);
    long result = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    __atomic_fetch_add(&shared->done, 1, __ATOMIC_RELAXED);
    if (getpid() != self) _exit(0);
    if (result == -1) shared->errors++;
  }
}

int main(int argc, char **argv) {
  if (argc < 3) return 0; // also when a call executes it again
  long count = atol(argv[1]);
  uint64_t seed = strtoull(argv[2], 0, 0);
  // Where none of the values above points.
  shared = mmap((void *)0x2000034567abc000, 65536, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  struct rlimit files = {256, 256}, size = {64 << 20, 64 << 20};
  setrlimit(RLIMIT_NOFILE, &files);
  setrlimit(RLIMIT_FSIZE, &size);
  mkdir("d", 0755), mkdir("e", 0755), symlink("a", "link"), mkfifo("fifo", 0644);
  for (const char *name = "abc"; *name; name++) {
    char file[2] = {*name};
    int fd = open(file, O_RDWR | O_CREAT, 0644);
    write(fd, "some content\n", 13);
    close(fd);
  }
  int null = open("/dev/null", O_RDWR);
  long rounds = 0;
  while (shared->done < count && rounds < count) {
    pid_t pid = fork();
    if (pid < 0) {
      perror("fork");
      return 1;
    }
    if (pid == 0) {
      setpgid(0, 0);
      dup2(null, 0);
      dup2(null, 1);
      if (!getenv("TELL")) dup2(null, 2);
      state = (seed * 1000003 + rounds + 1) * UINT64_C(0x9e3779b97f4a7c15);
      long left = count - shared->done;
      round_of_calls(left < 1000 ? left : 1000);
      _exit(0);
    }
    family = pid;
    // Whatever the child did to itself, its round ends.
    int status = 0;
    long before = -1;
    for (;;) {
      pid_t got = waitpid(pid, &status, WNOHANG | WUNTRACED);
      if (got == pid && !WIFSTOPPED(status)) break;
      if (got < 0) break;
      if (got == 0) {
        usleep(2000);
        static int idle;
        idle = shared->done == before ? idle + 1 : 0;
        before = shared->done;
        if (idle < 150) continue;
        idle = 0;
      }
      kill(-pid, SIGKILL);
      kill(pid, SIGKILL);
    }
    kill(-pid, SIGKILL);
    while (waitpid(-1, 0, WNOHANG) > 0)
      ;
    shared->ends[WIFSIGNALED(status) ? WTERMSIG(status) & 63 : 64]++;
    rounds++;
    chmod(".", 0755);
  }
  printf("%ld calls in %ld rounds, %ld errors;", shared->done, rounds, shared->errors);
  for (int n = 0; n < 65; n++)
    if (shared->ends[n]) printf(n == 64 ? " %2$ld ended" : " %2$ld by signal %1$d,", n, shared->ends[n]);
  printf("\n");
  return shared->done >= count ? 0 : 1;
}
