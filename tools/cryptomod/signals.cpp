// SPDX-License-Identifier: Apache-2.0
// signals.cpp: see signals.h. Only async-signal-safe calls in the handler; what it reads is written before the atomic
// that announces it.
#include "tools/cryptomod/signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstring>

#include "tools/cryptomod/failure.h"

namespace cm::tool {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

pthread_t g_main_thread;
std::atomic<int> g_pending{0};

char g_temporary_name[NAME_MAX + 1];
std::atomic<int> g_temporary_directory{-1};

termios g_terminal_settings;
std::atomic<int> g_terminal{-1};

void put_right() {
  const int terminal = g_terminal.exchange(-1);
  if (terminal >= 0) tcsetattr(terminal, TCSANOW, &g_terminal_settings);
  const int directory = g_temporary_directory.exchange(-1);
  if (directory >= 0) unlinkat(directory, g_temporary_name, 0);
}

void on_signal(int signal) {
  const int saved_errno = errno;
  if (pthread_equal(pthread_self(), g_main_thread) == 0) {
    pthread_kill(g_main_thread, signal);  // the main thread is the one that waits in system calls
  } else {
    int none = 0;
    if (!g_pending.compare_exchange_strong(none, signal)) {
      put_right();
      ::signal(signal, SIG_DFL);
      raise(signal);  // delivered when the handler returns
    }
  }
  errno = saved_errno;
}

}  // namespace

void install_signal_handlers() {
  g_main_thread = pthread_self();
  struct sigaction action{};
  action.sa_handler = on_signal;  // no SA_RESTART: a read from a terminal or pipe must end
  sigemptyset(&action.sa_mask);
  for (const int signal : kSignals) {
    struct sigaction before{};
    if (sigaction(signal, nullptr, &before) == 0 && before.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
  }
  // A closed pipe and the file size limit are errors of write(2), told like all others.
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);
}

void check_signals() {
  if (const int signal = g_pending.load(); signal != 0) throw Interrupted(signal);
}

void end_by_signal(int signal) {
  put_right();
  ::signal(signal, SIG_DFL);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
  raise(signal);
  _exit(128 + signal);
}

void set_temporary_name(int directory_fd, const char* name) {
  std::strncpy(g_temporary_name, name, sizeof g_temporary_name - 1);
  g_temporary_directory.store(directory_fd);
}

void clear_temporary_name() { g_temporary_directory.store(-1); }

void set_terminal(int fd, const termios& settings) {
  g_terminal_settings = settings;
  g_terminal.store(fd);
}

void clear_terminal() { g_terminal.store(-1); }

}  // namespace cm::tool
