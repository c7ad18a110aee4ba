// SPDX-License-Identifier: MIT
//
// Exceptions across shared libraries and out of signal handlers, threads, regular expressions and dlopen. Prints the
// same on every machine.
#include "shapes.hpp"
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <dlfcn.h>
#include <exception>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <numeric>
#include <pthread.h>
#include <regex>
#include <shared_mutex>
#include <string>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
#include <unwind.h>
#include <vector>

extern "C" int peek(const volatile char *at);
extern "C" void *spin(void *ready);

using std::printf;
using std::string;

// --- exceptions

static void across_libraries() {
  for (int depth : {0, 1, 5, 60, 2000}) {
    int guards = 0;
    try {
      printf("no exception: %d\n", shapes::descend(depth, guards, 0.5));
    } catch (const shapes::TooDeep &error) {
      printf("depth %d: %s, %d guards then, %d now\n", depth, error.what(), error.depth, guards);
    }
  }
  string log;
  const auto visit = [](void *argument) {
    switch (*static_cast<int *>(argument)) {
    case 1: throw shapes::Error("one", 1);
    case 2: throw std::invalid_argument("two");
    case 3: throw string("three");
    }
  };
  for (int kind = 0; kind < 4; kind++) {
    try {
      shapes::relay(visit, &kind, log);
    } catch (const shapes::Error &error) {
      printf("caught %s, depth %d", error.what(), error.depth);
      try {
        std::rethrow_if_nested(error);
      } catch (const std::exception &inner) {
        printf(", nested %s", inner.what());
      }
      printf("\n");
    } catch (const string &text) {
      printf("caught a string: %s\n", text.c_str());
    }
  }
  printf("log: %s\n", log.c_str());
}

// The register stack and floating-point registers must be whole after a landing pad was reached.
static long survive(long seed) {
  long a[12];
  double d[8];
  for (int i = 0; i < 12; i++) a[i] = seed * (i + 1);
  for (int i = 0; i < 8; i++) d[i] = seed / (i + 1.0);
  int guards = 0;
  long total = 0;
  for (int round = 0; round < 50; round++) {
    try {
      shapes::descend(round, guards, d[round % 8]);
    } catch (const shapes::Error &error) {
      total += error.depth;
    }
    total += a[round % 12] + static_cast<long>(d[(round * 3) % 8]);
  }
  return total + guards;
}

struct Countdown {
  int left;
};
static _Unwind_Reason_Code count_frame(_Unwind_Context *context, void *argument) {
  auto *countdown = static_cast<Countdown *>(argument);
  if (_Unwind_GetIP(context) == 0) return _URC_END_OF_STACK;
  countdown->left--;
  return countdown->left == 0 ? _URC_NORMAL_STOP : _URC_NO_REASON;
}
__attribute__((noinline)) static bool at_least(int depth, int frames) {
  if (depth > 0) {
    volatile bool result = at_least(depth - 1, frames);
    return result;
  }
  Countdown countdown{frames};
  _Unwind_Backtrace(count_frame, &countdown);
  return countdown.left == 0;
}

// --- signals

struct Fault {
  int signal;
  bool address_right;
};
static char *forbidden;
static std::atomic<bool> traced;

static void throw_fault(int signal, siginfo_t *info, void *) {
  Countdown countdown{4};
  _Unwind_Backtrace(count_frame, &countdown);
  traced = countdown.left <= 0;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
  throw Fault{signal, info->si_addr == forbidden};
}

__attribute__((noinline)) static int guarded_peek(const volatile char *at, int &guards) {
  shapes::Guard guard(guards);
  return peek(at);
}

static void out_of_handlers() {
  struct sigaction action = {};
  action.sa_sigaction = throw_fault;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &action, nullptr);
  forbidden = static_cast<char *>(mmap(nullptr, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  int guards = 0;
  int caught = 0;
  for (int i = 0; i < 100; i++) {
    try {
      printf("read %d\n", guarded_peek(forbidden, guards));
    } catch (const Fault &fault) {
      caught += fault.signal == SIGSEGV && fault.address_right && traced;
    }
  }
  printf("faults caught: %d, guards left %d\n", caught, guards);
  signal(SIGSEGV, SIG_DFL);
  munmap(forbidden, 65536);
}

// --- threads

class Queue {
public:
  void put(int value) {
    std::lock_guard lock(mutex_);
    values_.push_back(value);
    ready_.notify_one();
  }
  int take() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return !values_.empty(); });
    int value = values_.front();
    values_.pop_front();
    return value;
  }

private:
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<int> values_;
};

static void threads() {
  Queue work, results;
  std::vector<std::thread> workers;
  std::atomic<int> errors{0};
  for (int n = 0; n < 6; n++) {
    workers.emplace_back([&] {
      for (int value; (value = work.take()) >= 0;) {
        try {
          int guards = 0;
          if (value % 7 == 0) shapes::descend(value % 50, guards, value);
          results.put(value * 2);
        } catch (const shapes::Error &) {
          errors++;
          results.put(-1);
        }
      }
    });
  }
  for (int value = 1; value <= 700; value++) work.put(value);
  long sum = 0;
  for (int n = 0; n < 700; n++) sum += results.take();
  for (int n = 0; n < 6; n++) work.put(-1);
  for (auto &worker : workers) worker.join();
  printf("queue: sum %ld, errors %d\n", sum, errors.load());

  std::vector<std::future<long>> futures;
  for (int n = 0; n < 5; n++) {
    futures.push_back(std::async(std::launch::async, [n]() -> long {
      if (n == 3) throw shapes::Error("in a thread", n);
      return survive(n + 10);
    }));
  }
  for (auto &future : futures) {
    try {
      printf("future: %ld\n", future.get());
    } catch (const shapes::Error &error) {
      printf("future: %s %d\n", error.what(), error.depth);
    }
  }

  std::shared_mutex shared;
  std::map<int, int> table;
  std::vector<std::thread> mixed;
  for (int n = 0; n < 4; n++) {
    mixed.emplace_back([&, n] {
      for (int i = 0; i < 200; i++) {
        if (i % 10 == 0) {
          std::unique_lock lock(shared);
          table[n * 1000 + i] = i;
        } else {
          std::shared_lock lock(shared);
          if (!table.empty() && table.begin()->second > 200) std::abort();
        }
      }
    });
  }
  for (auto &thread : mixed) thread.join();
  printf("table: %zu entries\n", table.size());

  std::once_flag once;
  std::atomic<int> times{0}, attempts{0};
  std::vector<std::thread> racers;
  for (int n = 0; n < 4; n++) {
    racers.emplace_back([&] {
      try {
        std::call_once(once, [&] {
          if (attempts++ == 0) throw 1;
          times++;
        });
      } catch (int) {
      }
    });
  }
  for (auto &racer : racers) racer.join();
  printf("once: %d\n", times.load());
}

static std::atomic<int> destroyed;
struct Witness {
  ~Witness() { destroyed++; }
};
// The signal that asks a thread to end arrives while it computes: its frames are unwound through the signal's.
static void *endless(void *ready) {
  pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, nullptr);
  return spin(ready);
}
static void *sleeper(void *ready) {
  Witness witness;
  try {
    static_cast<std::atomic<int> *>(ready)->fetch_add(1);
    for (;;) pause();
  } catch (...) {
    destroyed += 100;
    throw;
  }
}

static void cancellation() {
  std::atomic<int> ready{0};
  static_assert(sizeof ready == sizeof(int));
  for (auto body : {endless, sleeper}) {
    pthread_t thread;
    pthread_create(&thread, nullptr, body, &ready);
    while (ready == 0) std::this_thread::yield();
    ready = 0;
    pthread_cancel(thread);
    void *result;
    pthread_join(thread, &result);
    printf("cancelled: %d, destroyed %d\n", result == PTHREAD_CANCELED, destroyed.load());
  }
}

// --- regular expressions

static void expressions() {
  const string text = "2001-06-29 Itanium 800MHz; 2002-07-08 Itanium2 1000MHz; 2012-11-08 Itanium9560 2530MHz";
  const std::regex record("(\\d{4})-(\\d\\d)-(\\d\\d) ([[:alpha:]]+)(\\d*) (\\d+)MHz");
  for (std::sregex_iterator it(text.begin(), text.end(), record), end; it != end; ++it) {
    printf("%s/%s/%s %s <%s> %ld\n", (*it)[3].str().c_str(), (*it)[2].str().c_str(), (*it)[1].str().c_str(),
           (*it)[4].str().c_str(), (*it)[5].str().c_str(), std::stol((*it)[6]));
  }
  printf("%s\n", std::regex_replace(text, std::regex("(\\d+)MHz"), "[$1 MHz]").c_str());
  const std::regex separators("[;, ]+");
  std::sregex_token_iterator token(text.begin(), text.end(), separators, -1), none;
  printf("%ld tokens\n", static_cast<long>(std::distance(token, none)));
  printf("%d %d %d\n", std::regex_match("aXbXb", std::regex("a(?:(X)b)+")),
         std::regex_match("abcabc", std::regex("(abc)\\1")), std::regex_search("foo", std::regex("^(?!f)")));
  for (const char *bad : {"(", "[z-a]", "a{2,1}", "*"}) {
    try {
      std::regex expression(bad);
      printf("accepted %s\n", bad);
    } catch (const std::regex_error &error) {
      printf("refused %s: %d\n", bad, static_cast<int>(error.code()));
    }
  }
}

// --- a plug-in

static void plugin(const char *path) {
  for (int round = 0; round < 2; round++) {
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
      printf("dlopen: %s\n", dlerror());
      return;
    }
    const auto make = reinterpret_cast<shapes::MakeShape>(dlsym(handle, "make_shape"));
    const auto fail = reinterpret_cast<shapes::Fail>(dlsym(handle, "fail"));
    const auto count = reinterpret_cast<shapes::CountHere>(dlsym(handle, "count_here"));
    {
      std::unique_ptr<shapes::Shape> shape(make(1.5));
      printf("%s: %.12f\n", shape->name().c_str(), shape->area());
    }
    try {
      make(-1);
    } catch (const shapes::Error &error) {
      printf("plugin: %s %d\n", error.what(), error.depth);
    }
    for (int how = 0; how < 4; how++) {
      try {
        fail(how);
      } catch (const shapes::TooDeep &error) {
        printf("plugin: %s %d\n", error.what(), error.depth);
      } catch (long value) {
        printf("plugin: %ld\n", value);
      } catch (const std::logic_error &error) {
        printf("plugin: %s\n", error.what());
      } catch (...) {
        printf("plugin: something of its own\n");
      }
    }
    int other = 0;
    std::thread([&] { other = count() + count(); }).join();
    printf("counts: %d here, %d there\n", count(), other);
    dlclose(handle);
  }
  printf("missing: %s\n", dlopen("./no-such-plugin.so", RTLD_NOW) == nullptr && dlerror() != nullptr ? "yes" : "no");
}

int main(int, char **argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 4096);
  const string folder = string(argv[0]).substr(0, string(argv[0]).rfind('/') + 1);
  across_libraries();
  printf("survived: %ld\n", survive(3));
  printf("backtrace: %d %d\n", at_least(30, 31), at_least(3, 200));
  out_of_handlers();
  threads();
  cancellation();
  expressions();
  plugin((folder + "plugin.so").c_str());
  std::set_terminate([] {
    try {
      throw;
    } catch (const shapes::Error &error) {
      printf("terminate: %s\n", error.what());
    }
    std::_Exit(37);
  });
  int guards = 0;
  [&]() noexcept { shapes::descend(3, guards, 1); }();
}
