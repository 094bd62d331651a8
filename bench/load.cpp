// SPDX-License-Identifier: Apache-2.0
// load: how long the module takes from being loaded to being operational, each time in a process of its own: the
// dynamic linker with the library's constructor (integrity and every self-test of every lane), what of it the module
// itself measured, and apart from it the connection to a writer that is started for it. Medians, one JSON object.
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "bench/machine.h"
#include "bench/module.h"

namespace cm::bench {
namespace {

struct Sample {
  uint64_t dlopen_ns;
  uint64_t load_to_ready_ns;
  uint64_t writer_connect_ns;
};

Sample sample_in_this_process(const std::filesystem::path& dir) {
  const auto library = beside_program("../libcryptomod.so.1");
  Sample s{};
  const uint64_t begin = now_ns();
  const Functions early = load(library);
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
  CLI::App app{"Median time from loading libcryptomod to being operational."};
  app.add_option("--runs", runs, "processes")->check(CLI::Range(1, 10000));
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
  j["load_to_ready_ms"] = median_ms(samples, &Sample::load_to_ready_ns);
  j["writer_connect_ms"] = median_ms(samples, &Sample::writer_connect_ns);
  fmt::print("{}\n", j.dump());
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
