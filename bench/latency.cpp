// SPDX-License-Identifier: Apache-2.0
// latency: what the two records of a call cost the caller, call by call: the time of each cm_aead_seal of 16 bytes,
// with the audit and with a ring that records nothing, by one thread and by two, in bursts that fit the rings and
// without a pause. Medians and the 999th of a thousand; a JSON object a row.
#include <fmt/format.h>
#include <x86intrin.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "bench/machine.h"
#include "bench/module.h"

namespace cm::bench {
namespace {

constexpr size_t kBytes = 16;
constexpr size_t kBurst = 1024;  // calls; their records fit a ring

struct Options {
  double seconds = 2;
  std::string dir;
};

// Caller: one thread's key and the times of its calls, in ticks of the time stamp counter.
class Caller {
 public:
  explicit Caller(const Module& module) : module_(module), key_(module.generate_counter_key(256)) {}
  ~Caller() { [[maybe_unused]] const cm_rc rc = module_.f().cm_key_destroy(module_.session(), key_); }
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  void call() {
    unsigned core = 0;
    const uint64_t begin = __rdtscp(&core);
    _mm_lfence();
    const cm_rc rc = module_.f().cm_aead_seal(module_.session(), key_, out_, sizeof out_, iv_, sizeof iv_, tag_,
                                              sizeof tag_, nullptr, 0, in_, sizeof in_);
    const uint64_t end = __rdtscp(&core);
    _mm_lfence();
    module_.require(rc, "cm_aead_seal");
    ticks_.push_back(static_cast<uint32_t>(std::min<uint64_t>(end - begin, UINT32_MAX)));
  }
  void run(double seconds, bool bursts) {
    const uint64_t until_ns = now_ns() + static_cast<uint64_t>(seconds * 1e9);
    for (size_t i = 0; i < kBurst; ++i) call();  // the ring's pages
    module_.drain();
    ticks_.clear();
    while (now_ns() < until_ns) {
      for (size_t i = 0; i < kBurst; ++i) call();
      if (bursts) module_.drain();
    }
  }
  const std::vector<uint32_t>& ticks() const { return ticks_; }

 private:
  const Module& module_;
  cm_key key_;
  std::vector<uint32_t> ticks_;
  uint8_t in_[kBytes] = {}, out_[kBytes], iv_[CM_AEAD_IV_SIZE], tag_[CM_AEAD_TAG_SIZE_MAX];
};

// overhead_ticks: of the two readings of the clock themselves.
uint32_t overhead_ticks() {
  uint64_t least = UINT64_MAX;
  for (int i = 0; i < 10000; ++i) {
    unsigned core = 0;
    const uint64_t begin = __rdtscp(&core);
    _mm_lfence();
    least = std::min<uint64_t>(least, __rdtscp(&core) - begin);
  }
  return static_cast<uint32_t>(least);
}

double ticks_per_ns() {
  const uint64_t begin_ns = now_ns(), begin = __rdtsc();
  while (now_ns() < begin_ns + 50'000'000) {
  }
  return static_cast<double>(__rdtsc() - begin) / static_cast<double>(now_ns() - begin_ns);
}

uint64_t size_of(const std::filesystem::path& dir) {
  uint64_t total = 0;
  if (!std::filesystem::exists(dir)) return 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) total += entry.file_size();
  return total;
}

struct Result {
  double calls_per_s = 0;
  double p50_ns = 0;
  double p999_ns = 0;
  double log_bytes_per_hour = 0;
};

Result measure(const Module& module, const std::filesystem::path& log, unsigned threads, double seconds, bool bursts) {
  std::vector<std::unique_ptr<Caller>> callers;
  callers.reserve(threads);
  for (unsigned i = 0; i < threads; ++i) callers.push_back(std::make_unique<Caller>(module));
  module.drain();
  const uint64_t bytes_before = size_of(log), begin_ns = now_ns();
  std::vector<std::thread> running;
  running.reserve(threads);
  for (const auto& caller : callers) running.emplace_back([&caller, seconds, bursts] { caller->run(seconds, bursts); });
  for (std::thread& thread : running) thread.join();
  module.drain();
  const double passed_s = static_cast<double>(now_ns() - begin_ns) / 1e9;
  std::vector<uint32_t> all;
  for (const auto& caller : callers) all.insert(all.end(), caller->ticks().begin(), caller->ticks().end());
  const double scale = ticks_per_ns();
  const uint32_t overhead = overhead_ticks();
  const auto at = [&](double share) {
    const auto place = all.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(all.size() - 1));
    std::nth_element(all.begin(), place, all.end());
    return static_cast<double>(*place - std::min(*place, overhead)) / scale;
  };
  return {static_cast<double>(all.size()) / passed_s, at(0.5), at(0.999),
          static_cast<double>(size_of(log) - bytes_before) / passed_s * 3600};
}

void print(const char* library, unsigned threads, bool bursts, const Result& r) {
  nlohmann::ordered_json j;
  j["library"] = library;
  j["threads"] = threads;
  j["calls"] = bursts ? "bursts" : "sustained";
  j["p50_ns"] = r.p50_ns;
  j["p999_ns"] = r.p999_ns;
  j["calls_per_s"] = r.calls_per_s;
  j["log_bytes_per_hour"] = r.log_bytes_per_hour;
  fmt::print("{}\n", j.dump());
  std::fflush(stdout);
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app{"What the two records of a call cost the caller."};
  app.add_option("--seconds", options.seconds, "length of each run")->check(CLI::Range(0.1, 600.0));
  app.add_option("--dir", options.dir, "where the log goes; default: a temporary directory below $TMPDIR or /tmp");
  CLI11_PARSE(app, argc, argv);
  fmt::print(stderr, "{}\n", describe_machine());
  const TemporaryDirectory dir(options.dir);
  const Module audited(beside_program("../libcryptomod.so.1"), dir.path() / "audited");
  const Module silent(beside_program("libcryptomod_null_ring.so.1"), dir.path() / "silent");
  for (const unsigned threads : {1u, 2u})
    for (const bool bursts : {true, false}) {
      print("audited", threads, bursts,
            measure(audited, dir.path() / "audited" / "log", threads, options.seconds, bursts));
      print("no audit", threads, bursts,
            measure(silent, dir.path() / "silent" / "log", threads, options.seconds, bursts));
    }
  return 0;
}

}  // namespace
}  // namespace cm::bench

int main(int argc, char** argv) {
  try {
    return cm::bench::run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "latency: %s\n", e.what());
    return 1;
  }
}
