// SPDX-License-Identifier: MIT
//
// Takes memory until there is none: memory map (mmap until ENOMEM), brk, touch (every page of it, which may end the
// process), many (one-page mappings), fork (children that write everything the parent has).
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void *map(size_t bytes, int flags) {
  return mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

static int how(const char *what) {
  if (!strcmp(what, "map")) {
    if (map((size_t)1 << 60, 0) != MAP_FAILED || errno != ENOMEM) return 1;
    for (size_t bytes = (size_t)1 << 40; bytes >= 16384; bytes /= 2)
      while (map(bytes, 0) != MAP_FAILED)
        ;
    printf("map: %s\n", strerror(errno));
    return errno != ENOMEM;
  }
  if (!strcmp(what, "brk")) {
    while (sbrk(64 << 20) != (void *)-1)
      ;
    printf("brk: %s\n", strerror(errno));
    return errno != ENOMEM;
  }
  if (!strcmp(what, "malloc")) {
    long count = 0;
    while (malloc(32 << 20)) count++;
    printf("malloc: %s\n", strerror(errno));
    return count == 0 || errno != ENOMEM;
  }
  if (!strcmp(what, "touch")) {
    for (;;) {
      char *at = map(64 << 20, MAP_NORESERVE);
      if (at == MAP_FAILED) return 0;
      for (long n = 0; n < 64 << 20; n += 16384) at[n] = 1;
    }
  }
  if (!strcmp(what, "many")) {
    long count = 0;
    char *room = mmap(0, (size_t)8 << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) return 1;
    while (count < 20000 && mprotect(room + count * 32768, 16384, PROT_READ) == 0) count++;
    printf("many: %d\n", count == 20000 || errno == ENOMEM);
    return 0;
  }
  return 2;
}

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  if (strcmp(argv[1], "fork")) return how(argv[1]);
  // A parent survives children that use up everything.
  size_t bytes = 256 << 20;
  char *mine = map(bytes, 0);
  if (mine == MAP_FAILED) return 1;
  memset(mine, 7, bytes);
  int started = 0, refused = 0, ended = 0;
  for (int n = 0; n < 40; n++) {
    pid_t pid = fork();
    if (pid < 0) {
      refused += errno == EAGAIN || errno == ENOMEM;
    } else if (pid == 0) {
      for (size_t at = 0; at < bytes; at += 16384) mine[at] = n;
      pause();
      _exit(0);
    } else {
      started++;
    }
  }
  usleep(300000);
  kill(0, 0);
  for (size_t at = 0; at < bytes; at += 16384)
    if (mine[at] != 7) return 3;
  signal(SIGTERM, SIG_IGN);
  kill(0, SIGTERM);
  while (wait(0) > 0) ended++;
  printf("fork: %d\n", started + refused == 40 && ended == started);
  return 0;
}
