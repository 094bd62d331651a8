// SPDX-License-Identifier: Apache-2.0
// machine.cpp: see machine.h.
#include "bench/machine.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>

#include <algorithm>
#include <fstream>
#include <stdexcept>

namespace cm::bench {
namespace {

cpu_set_t allowed_cpus() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) throw std::runtime_error("sched_getaffinity failed");
  return set;
}

}  // namespace

uint64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(t.tv_nsec);
}

void clean_vector_state() {
  static const bool avx = __builtin_cpu_supports("avx") != 0;
  if (avx) __asm__ volatile("vzeroupper" ::: "memory");
}

double core_ghz() {
  constexpr uint64_t kRounds = 1000;
  constexpr uint64_t kMultiplications = 16;
  constexpr uint64_t kLatency = 3;  // of imul, on every x86-64 core that has AES-NI
  uint64_t best = ~uint64_t{0};
  // The best of five: an interrupt makes one longer, nothing makes one shorter.
  for (int i = 0; i < 5; ++i) {
    uint64_t count = kRounds;
    uint64_t product = 3;
    const uint64_t begin = now_ns();
    __asm__ volatile(
        "1:\n\t"
        ".rept 16\n\timul %0, %0\n\t.endr\n\t"
        "sub $1, %1\n\tjnz 1b"
        : "+r"(product), "+r"(count)
        :
        : "cc");
    best = std::min(best, now_ns() - begin);
  }
  return static_cast<double>(kRounds * kMultiplications * kLatency) / static_cast<double>(best);
}

uint64_t preemptions() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return static_cast<uint64_t>(usage.ru_nivcsw);
}

void leave_cpu(int cpu) {
  cpu_set_t set = allowed_cpus();
  if (CPU_COUNT(&set) < 2) return;
  CPU_CLR(static_cast<size_t>(cpu), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) throw std::runtime_error("sched_setaffinity failed");
}

void pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<size_t>(cpu), &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0)
    throw std::runtime_error(fmt::format("cannot run on processor {}", cpu));
  const sched_param priority{.sched_priority = 1};
  if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &priority) != 0)
    fmt::print(stderr, "no real-time priority: other programs can get in between\n");
}

int last_cpu() {
  const cpu_set_t set = allowed_cpus();
  int last = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(static_cast<size_t>(cpu), &set)) last = cpu;
  return last;
}

std::string describe_machine() {
  std::string model = "unknown processor";
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) {
      model = line.substr(line.find(": ") + 2);
      break;
    }
  const cpu_set_t set = allowed_cpus();
  utsname system{};
  uname(&system);
  return fmt::format("{}, {} processors allowed, Linux {}", model, CPU_COUNT(&set), system.release);
}

}  // namespace cm::bench
