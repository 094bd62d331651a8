// SPDX-License-Identifier: Apache-2.0
// load: how long the module takes from being loaded to being operational, each time in a process of its own: the
// dynamic linker with the library's constructor (integrity and every self-test of every lane), what of it the module
// itself measured, and apart from it the connection to a writer that is started for it. A second row is the speed of
// the integrity test, repeated in a loaded module: the bytes that the digest covers by the time of the whole test. With
// --tests the dearest self-tests follow, repeated in the same way. Medians, a JSON object a row.
#include <fmt/format.h>
#include <link.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bench/machine.h"
#include "bench/module.h"

namespace cm::bench {
namespace {

struct Sample {
  uint64_t dlopen_ns;
  uint64_t dlopen_cpu_ns;
  uint64_t load_to_ready_ns;
  uint64_t writer_connect_ns;
};

// cpu_ns: the time that this thread has been running. Where others want the processor too, one turn of theirs is as
// long as the whole start.
uint64_t cpu_ns() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(t.tv_nsec);
}

Sample sample_in_this_process(const std::filesystem::path& dir) {
  const auto library = beside_program("../libcryptomod.so.1");
  Sample s{};
  const uint64_t begin = now_ns(), cpu_begin = cpu_ns();
  const Functions early = load(library);
  s.dlopen_cpu_ns = cpu_ns() - cpu_begin;
  s.dlopen_ns = now_ns() - begin;
  static_cast<void>(early);
  const Module module(library, dir);
  cm_status_info info{};
  info.struct_size = sizeof info;
  module.require(module.f().cm_status(&info), "cm_status");
  s.load_to_ready_ns = info.load_to_ready_ns;
  s.writer_connect_ns = info.writer_connect_ns;
  return s;
}

constexpr size_t kMaxTests = 256;
constexpr unsigned kRetests = 25;

// covered_bytes: of the loaded object's segments that are not writable, and of what is read-only after relocation.
uint64_t covered_bytes(const std::string& library) {
  struct Search {
    const std::string& library;
    uint64_t bytes;
  } search{library, 0};
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* context) {
        auto& found = *static_cast<Search*>(context);
        if (found.library != info->dlpi_name) return 0;
        for (const ElfW(Phdr)* p = info->dlpi_phdr; p != info->dlpi_phdr + info->dlpi_phnum; ++p)
          if (p->p_type == PT_GNU_RELRO || (p->p_type == PT_LOAD && (p->p_flags & PF_W) == 0))
            found.bytes += p->p_filesz;
        return 1;
      },
      &search);
  if (search.bytes == 0) throw std::runtime_error("the library is not among the loaded objects");
  return search.bytes;
}

// Retests: nanoseconds of each self-test of a loaded module, by test and lane.
using Retests = std::map<std::string, std::vector<uint64_t>>;

Retests retest(const Module& module) {
  Retests times;
  std::vector<cm_selftest_row> rows(kMaxTests);
  for (unsigned i = 0; i < kRetests; ++i) {
    size_t count = 0;
    module.require(module.f().cm_selftest(module.session(), rows.data(), rows.size(), &count), "cm_selftest");
    module.drain();
    if (count > rows.size()) throw std::runtime_error("there are more self-tests than expected");
    for (size_t k = 0; k < count; ++k) times[rows[k].name + std::string(":") + rows[k].lane].push_back(rows[k].ns);
  }
  return times;
}

uint64_t median(std::vector<uint64_t> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void print_integrity(const Retests& times, uint64_t bytes) {
  const auto row = times.lower_bound("integrity:");
  if (row == times.end() || !row->first.starts_with("integrity:")) throw std::runtime_error("no integrity test");
  const uint64_t ns = median(row->second);
  nlohmann::ordered_json j;
  j["name"] = "integrity digest, GB/s";
  j["runs"] = kRetests;
  j["bytes"] = bytes;
  j["ns"] = ns;
  j["gb_per_second"] = static_cast<double>(bytes) / static_cast<double>(ns);
  fmt::print("{}\n", j.dump());
}

void print_dearest(const Retests& times, unsigned count) {
  std::vector<std::pair<uint64_t, std::string>> rows;
  for (const auto& [name, ns] : times) rows.emplace_back(median(ns), name);
  std::sort(rows.rbegin(), rows.rend());
  for (size_t i = 0; i < rows.size() && i < count; ++i) {
    nlohmann::ordered_json j;
    j["name"] = "self-test " + rows[i].second;
    j["us"] = static_cast<double>(rows[i].first) / 1e3;
    fmt::print("{}\n", j.dump());
  }
}

// sample: a child that has never seen the library; the parent never loads it.
Sample sample(const std::filesystem::path& dir) {
  int fds[2];
  if (pipe(fds) != 0) throw std::runtime_error("pipe failed");
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    close(fds[0]);
    int result = 1;
    try {
      const Sample s = sample_in_this_process(dir);
      result = write(fds[1], &s, sizeof s) == sizeof s ? 0 : 1;
    } catch (const std::exception& e) {
      fmt::print(stderr, "load: {}\n", e.what());
    }
    _exit(result);
  }
  close(fds[1]);
  Sample s{};
  const bool whole = read(fds[0], &s, sizeof s) == sizeof s;
  close(fds[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (!whole || status != 0) throw std::runtime_error("a sample failed");
  return s;
}

double median_ms(std::vector<Sample> samples, uint64_t Sample::* field) {
  std::sort(samples.begin(), samples.end(), [field](const Sample& a, const Sample& b) { return a.*field < b.*field; });
  const size_t middle = samples.size() / 2;
  return static_cast<double>(samples[middle].*field) / 1e6;
}

int run(int argc, char** argv) {
  unsigned runs = 50;
  unsigned tests = 0;
  CLI::App app{"Median time from loading libcryptomod to being operational."};
  app.add_option("--runs", runs, "processes")->check(CLI::Range(1, 10000));
  app.add_option("--tests", tests, "how many of the dearest self-tests to print");
  CLI11_PARSE(app, argc, argv);

  fmt::print(stderr, "{}\n", describe_machine());
  std::vector<Sample> samples;
  for (unsigned i = 0; i < runs; ++i) {
    const TemporaryDirectory dir("");
    samples.push_back(sample(dir.path()));
  }
  nlohmann::ordered_json j;
  j["name"] = "load-to-operational";
  j["runs"] = runs;
  j["dlopen_ms"] = median_ms(samples, &Sample::dlopen_ns);
  j["dlopen_cpu_ms"] = median_ms(samples, &Sample::dlopen_cpu_ns);
  j["load_to_ready_ms"] = median_ms(samples, &Sample::load_to_ready_ns);
  j["writer_connect_ms"] = median_ms(samples, &Sample::writer_connect_ns);
  fmt::print("{}\n", j.dump());

  const auto library = beside_program("../libcryptomod.so.1");
  const TemporaryDirectory dir("");
  const Module module(library, dir.path());
  const Retests times = retest(module);
  print_integrity(times, covered_bytes(library.string()));
  print_dearest(times, tests);
  return 0;
}

}  // namespace
}  // namespace cm::bench

int main(int argc, char** argv) {
  try {
    return cm::bench::run(argc, argv);
  } catch (const std::exception& e) {
    fmt::print(stderr, "load: {}\n", e.what());
    return 1;
  }
}
