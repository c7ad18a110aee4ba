/* SPDX-License-Identifier: MIT
 *
 * System V semaphores, message queues and shared memory among processes; signals from a program of the host. Prints
 * results that do not depend on the machine, identifiers and times left out. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SHOW(call) show(#call, call)

static void show(const char *what, long result) {
    if (result < 0) printf("%s: %s\n", what, strerror(errno));
    else printf("%s: %s\n", what, result == 0 ? "0" : "positive");
}

static int sem_do(int set, int index, int change, int flags) {
    struct sembuf operation = { index, change, flags };
    return semop(set, &operation, 1);
}

static int sem_set(int set, int index, int value) { return semctl(set, index, SETVAL, value); }

static volatile sig_atomic_t caught;
static void on_signal(int number) { caught = number; }

static void semaphores(void) {
    int set = semget(IPC_PRIVATE, 3, 0600);
    SHOW(semget(IPC_PRIVATE, 0, 0600));
    SHOW(sem_do(set, 0, -1, IPC_NOWAIT));
    SHOW(sem_do(set, 3, 1, 0));
    SHOW(sem_set(set, 1, 40000));
    SHOW(sem_set(set, 1, 5));

    /* All or none. */
    struct sembuf both[2] = { { 1, -5, 0 }, { 0, -1, IPC_NOWAIT } };
    SHOW(semop(set, both, 2));
    printf("value %d\n", semctl(set, 1, GETVAL));

    /* What a process that ends gives back. */
    if (fork() == 0) {
        sem_do(set, 1, -3, SEM_UNDO);
        sem_do(set, 2, 7, 0);
        _exit(0);
    }
    wait(NULL);
    unsigned short all[3];
    semctl(set, 0, GETALL, all);
    printf("values %d %d %d\n", all[0], all[1], all[2]);

    /* Waiting, counted, until somebody gives. */
    pid_t taker = fork();
    if (taker == 0) _exit(sem_do(set, 0, -2, 0) == 0 ? 11 : 12);
    while (semctl(set, 0, GETNCNT) == 0) usleep(1000);
    sem_do(set, 0, 1, 0);
    sem_do(set, 0, 1, 0);
    int status;
    waitpid(taker, &status, 0);
    printf("taker %d, value %d, last pid its: %d\n", WEXITSTATUS(status), semctl(set, 0, GETVAL),
        semctl(set, 0, GETPID) == taker);

    struct timespec soon = { 0, 20 * 1000 * 1000 };
    struct sembuf never = { 0, -1, 0 };
    SHOW(semtimedop(set, &never, 1, &soon));

    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
    sigaction(SIGALRM, &action, NULL);
    alarm(1);
    SHOW(semop(set, &never, 1));

    /* Removal wakes who waits. */
    pid_t waiter = fork();
    if (waiter == 0) _exit(sem_do(set, 1, 0, 0) < 0 && errno == EIDRM ? 21 : 22);
    while (semctl(set, 1, GETZCNT) == 0) usleep(1000);
    SHOW(semctl(set, 0, IPC_RMID));
    waitpid(waiter, &status, 0);
    printf("waiter %d\n", WEXITSTATUS(status));
    SHOW(semctl(set, 0, GETVAL));
}

struct message { long type; char text[64]; };

static void queues(void) {
    key_t key = 0x45004d00 + (getpid() & 0xff);
    int queue = msgget(key, IPC_CREAT | IPC_EXCL | 0600);
    SHOW(msgget(key, IPC_CREAT | IPC_EXCL | 0600));
    printf("found: %d\n", msgget(key, 0) == queue);
    struct message message = { 0, "" };
    SHOW(msgsnd(queue, &message, 4, 0));
    for (int type = 5; type > 0; type--) {
        message.type = type;
        int length = sprintf(message.text, "message of type %d", type);
        msgsnd(queue, &message, length + 1, 0);
    }
    SHOW(msgrcv(queue, &message, 4, 3, 0));
    const struct { long type; int flags; } asks[] = { { 3, 0 }, { -2, 0 }, { 5, MSG_EXCEPT }, { 0, 0 }, { 9, IPC_NOWAIT } };
    for (unsigned n = 0; n < sizeof asks / sizeof *asks; n++) {
        ssize_t length = msgrcv(queue, &message, sizeof message.text, asks[n].type, asks[n].flags);
        if (length < 0) printf("type %ld: %s\n", asks[n].type, strerror(errno));
        else printf("type %ld: %zd \"%s\"\n", asks[n].type, length, message.text);
    }
    ssize_t cut = msgrcv(queue, &message, 7, 0, MSG_NOERROR);
    printf("cut %zd \"%.7s\"\n", cut, message.text);
    struct msqid_ds status;
    msgctl(queue, IPC_STAT, &status);
    printf("messages %lu, last sender me: %d, mode %o\n", (unsigned long)status.msg_qnum, status.msg_lspid == getpid(),
        status.msg_perm.mode & 0777);

    /* A queue that is full makes its sender wait. */
    status.msg_qbytes = 100;
    SHOW(msgctl(queue, IPC_SET, &status));
    if (fork() == 0) {
        for (int n = 0; n < 20; n++) {
            message.type = 1 + n;
            memset(message.text, 'a' + n, sizeof message.text);
            msgsnd(queue, &message, sizeof message.text, 0);
        }
        _exit(0);
    }
    unsigned sum = 0;
    for (int n = 0; n < 20; n++) {
        msgrcv(queue, &message, sizeof message.text, 0, 0);
        sum = sum * 31 + message.type + message.text[63];
    }
    wait(NULL);
    printf("sum %u\n", sum);
    SHOW(msgctl(queue, IPC_RMID, NULL));
    SHOW(msgrcv(queue, &message, 1, 0, IPC_NOWAIT));
}

static void memory(void) {
    int id = shmget(IPC_PRIVATE, 100000, 0600);
    int *words = shmat(id, NULL, 0);
    words[0] = 1;
    if (fork() == 0) {
        words[0] += 41;
        const int *again = shmat(id, NULL, SHM_RDONLY);
        words[1] = again[0] == 42;
        _exit(0);
    }
    wait(NULL);
    struct shmid_ds status;
    shmctl(id, IPC_STAT, &status);
    printf("words %d %d, size %zu, attached %lu, creator me: %d\n", words[0], words[1], status.shm_segsz,
        (unsigned long)status.shm_nattch, status.shm_cpid == getpid());
    SHOW(shmctl(id, IPC_RMID, NULL));
    printf("still there: %d\n", words[0]);
    SHOW(shmdt(words));
    SHOW(shmdt(words));
    SHOW(shmctl(id, IPC_STAT, &status));
    SHOW(shmget(IPC_PRIVATE, 0, 0600));
}

/* The shell is the host's own program. */
static void signals(void) {
    static const int numbers[] = { SIGUSR1, SIGUSR2, SIGURG, SIGVTALRM, SIGPWR };
    for (unsigned n = 0; n < sizeof numbers / sizeof *numbers; n++) {
        char command[64];
        signal(numbers[n], on_signal);
        caught = 0;
        sprintf(command, "kill -%d %d", numbers[n], getpid());
        int status = system(command);
        for (int tries = 0; caught == 0 && tries < 20000; tries++) usleep(1000);
        printf("signal %d: %d, status %d\n", numbers[n], caught, status);
    }
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    semaphores();
    queues();
    memory();
    signals();
    return 0;
}
