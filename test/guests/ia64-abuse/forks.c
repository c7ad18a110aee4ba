// SPDX-License-Identifier: MIT
//
// Forks 200 children that wait, and 200 threads after them; each either exists or was refused with EAGAIN. Then a
// chain of 300 generations.
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void *wait_for_it(void *unused) {
  pthread_mutex_lock(&mutex);
  pthread_mutex_unlock(&mutex);
  return unused;
}

int main(void) {
  int made = 0, refused = 0, other = 0, ended = 0;
  pid_t pids[200];
  for (int n = 0; n < 200; n++) {
    pid_t pid = fork();
    if (pid == 0) {
      pause();
      _exit(0);
    }
    if (pid > 0) pids[made++] = pid;
    else if (errno == EAGAIN) refused++;
    else other++;
  }
  for (int n = 0; n < made; n++) kill(pids[n], SIGTERM);
  for (int status; wait(&status) > 0;) ended += WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM;
  printf("processes: %s\n", made > 50 && made + refused == 200 && other == 0 && ended == made ? "well" : "badly");

  pthread_t threads[200];
  int count = 0;
  refused = other = 0;
  pthread_mutex_lock(&mutex);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 1 << 18);
  for (int n = 0; n < 200; n++) {
    int error = pthread_create(&threads[count], &attributes, wait_for_it, 0);
    if (error == 0) count++;
    else if (error == EAGAIN) refused++;
    else other++;
  }
  pthread_mutex_unlock(&mutex);
  for (int n = 0; n < count; n++) pthread_join(threads[n], 0);
  printf("threads: %s\n", count > 50 && count + refused == 200 && other == 0 ? "well" : "badly");
  fflush(stdout);

  for (int n = 0; n < 300; n++) {
    pid_t pid = fork();
    if (pid < 0) return 1;
    if (pid > 0) {
      int status;
      if (n > 0) _exit(0);
      // Only the first generation is waited for; the others are orphans.
      waitpid(pid, &status, 0);
      usleep(200000);
      return 0;
    }
  }
  write(1, "generations: well\n", 18);
  _exit(0);
}
