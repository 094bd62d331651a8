// SPDX-License-Identifier: Apache-2.0
// cycles: bytes a core cycle of each kernel on each lane this processor runs, without the module around it, and the
// share of the bound (bounds_x86.h) that it reaches. Median of several rounds; the clock is read before and after each
// point, and a point during which it moved is taken again.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <exception>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <regex>
#include <vector>

#include "bench/bounds_x86.h"
#include "bench/machine.h"
#include "crypto/aes/aes.h"
#include "crypto/aes/aes_kernels.h"
#include "crypto/gcm/gcm.h"
#include "crypto/gcm/gcm_kernels.h"
#include "crypto/gcm_siv/gcm_siv.h"
#include "crypto/multi/multi.h"
#include "crypto/sha2/sha256.h"
#include "crypto/sha2/sha256_kernels.h"

namespace cm::bench {
namespace {

constexpr size_t kLargest = 16384;
constexpr size_t kSizes[] = {16, 64, 256, 1024, 16384};
constexpr double kClockTolerance = 0.02;
constexpr uint64_t kPoint_ns = 200'000;

// Point: one line of the report. bound: bytes a cycle, 0 where none is known.
struct Point {
  std::string name;
  Lane lane;
  size_t bytes;
  double bound;
  std::function<void()> call;
};

struct Buffers {
  alignas(64) std::array<uint8_t, kLargest> in{};
  alignas(64) std::array<uint8_t, kLargest> out{};
  std::array<uint8_t, 16> side{};
  std::array<uint8_t, 16> tag{};
};
Buffers buffers;

struct Measured {
  double cycles;  // a call
  double ghz;
};

// measure_once: false when the clock moved or the thread had to wait.
bool measure_once(const Point& point, uint64_t calls, Measured& out) {
  const uint64_t waits = preemptions();
  const double before = core_ghz();
  clean_vector_state();
  const uint64_t begin = now_ns();
  for (uint64_t i = 0; i < calls; ++i) point.call();
  const uint64_t took = now_ns() - begin;
  const double after = core_ghz();
  out = {static_cast<double>(took) * after / static_cast<double>(calls), after};
  return preemptions() == waits && std::fabs(after - before) < kClockTolerance * before;
}

Measured measure(const Point& point, unsigned rounds) {
  uint64_t calls = 1;
  for (Measured m{}; measure_once(point, calls, m), m.cycles * static_cast<double>(calls) / m.ghz < kPoint_ns;)
    calls *= 2;
  std::vector<Measured> kept;
  for (unsigned tries = 0; kept.size() < rounds && tries < 20 * rounds; ++tries)
    if (Measured m{}; measure_once(point, calls, m)) kept.push_back(m);
  if (kept.empty()) throw std::runtime_error("the clock of this machine does not stand still for one point");
  std::sort(kept.begin(), kept.end(), [](const Measured& a, const Measured& b) { return a.cycles < b.cycles; });
  return kept[kept.size() / 2];
}

bool runs(const KernelRow& row) { return (row.needs & ~cpu_features_detected()) == 0; }

double bound_of(Mix mix, Lane lane, double ghz) {
  const double cycles = cycles_of_mix(mix, lane, ghz);
  return cycles == 0 ? 0 : bytes_of_register(lane) / cycles;
}

template <class Key>
const Key& key_of(Lane lane, size_t size, Status (*init)(Key&, Lane, const uint8_t*, size_t)) {
  static std::vector<std::unique_ptr<Key>> keys;
  static const std::array<uint8_t, 32> raw{1, 2, 3};
  keys.push_back(std::make_unique<Key>());
  if (!succeeded(init(*keys.back(), lane, raw.data(), size))) throw std::runtime_error("no key on this lane");
  return *keys.back();
}

void add_aes(std::vector<Point>& points, double ghz) {
  for (const KernelRow& row : kAesKernels) {
    if (!runs(row)) continue;
    for (const size_t bits : {size_t{128}, size_t{256}}) {
      const AesKey& key = key_of<AesKey>(row.lane, bits / 8, aes_key_init);
      const double bound = bound_of(bits == 128 ? Mix::kAes128 : Mix::kAes256, row.lane, ghz);
      for (const size_t n : kSizes) {
        const auto add = [&](const char* what, std::function<void()> call) {
          points.push_back({fmt::format("aes-{}-{}", bits, what), row.lane, n, bound, std::move(call)});
        };
        add("ecb-encrypt", [&key, n] { aes_encrypt_blocks(key, buffers.out.data(), buffers.in.data(), n / 16); });
        add("ecb-decrypt", [&key, n] { aes_decrypt_blocks(key, buffers.out.data(), buffers.in.data(), n / 16); });
        add("keystream", [&key, n] { aes_ctr_keystream(key, buffers.side.data(), buffers.out.data(), n / 16); });
      }
    }
  }
}

void add_gcm(std::vector<Point>& points, double ghz) {
  for (const KernelRow& row : kGcmKernels) {
    if (!runs(row)) continue;
    for (const size_t bits : {size_t{128}, size_t{256}}) {
      const GcmKey& key = key_of<GcmKey>(row.lane, bits / 8, gcm_key_init);
      const double bound = bound_of(bits == 128 ? Mix::kGcm128 : Mix::kGcm256, row.lane, ghz);
      for (const size_t n : kSizes) {
        const GcmInput in{buffers.side.data(), 12, buffers.in.data(), 13, buffers.in.data(), n};
        points.push_back({fmt::format("aes-{}-gcm-seal", bits), row.lane, n, bound,
                          [&key, in] { gcm_seal(key, buffers.out.data(), buffers.tag.data(), in); }});
        points.push_back({fmt::format("aes-{}-gcm-open", bits), row.lane, n, bound, [&key, in] {
                            static_cast<void>(gcm_open(key, buffers.out.data(), buffers.tag.data(), 16, in));
                          }});
      }
    }
  }
}

// Sealed: a message of GCM-SIV that opens; one that does not would be zeroed, which takes its time too.
struct Sealed {
  Sealed(const GcmSivKey& key, const GcmSivInput& in) : text(in.text_size) {
    gcm_siv_seal(key, text.data(), tag.data(), in);
  }
  std::vector<uint8_t> text;
  std::array<uint8_t, kGcmSivTag> tag{};
};

// The bound is that of GCM, which needs the same instructions in one pass; GCM-SIV needs two.
void add_gcm_siv(std::vector<Point>& points, double ghz) {
  for (const KernelRow& row : kAesKernels) {
    if (!runs(row)) continue;
    for (const size_t bits : {size_t{128}, size_t{256}}) {
      const GcmSivKey& key = key_of<GcmSivKey>(row.lane, bits / 8, gcm_siv_key_init);
      const double bound = bound_of(bits == 128 ? Mix::kGcm128 : Mix::kGcm256, row.lane, ghz);
      for (const size_t n : kSizes) {
        const GcmSivInput in{buffers.side.data(), buffers.in.data(), 13, buffers.in.data(), n};
        points.push_back({fmt::format("aes-{}-gcm-siv-seal", bits), row.lane, n, bound,
                          [&key, in] { gcm_siv_seal(key, buffers.out.data(), buffers.tag.data(), in); }});
        auto sealed = std::make_shared<Sealed>(key, in);
        points.push_back({fmt::format("aes-{}-gcm-siv-open", bits), row.lane, n, bound, [&key, in, sealed] {
                            GcmSivInput back = in;
                            back.text = sealed->text.data();
                            static_cast<void>(gcm_siv_open(key, buffers.out.data(), sealed->tag.data(), back));
                          }});
      }
    }
  }
}

// Batch: equal jobs with keys and buffers of their own.
struct Batch {
  static constexpr size_t kJobs = 16;
  struct Buffer {
    alignas(64) std::array<uint8_t, kLargest> in{}, out{};
    std::array<uint8_t, 16> iv{}, tag{};
  };
  Batch(Lane lane, size_t key_size, size_t n) : buffers(kJobs) {
    for (Buffer& b : buffers) {
      const CmacKey& key = key_of<CmacKey>(lane, key_size, cmac_key_init);
      cbc.push_back({&key.aes, b.iv.data(), b.out.data(), b.in.data(), n / kAesBlock});
      cmac.push_back({&key, b.tag.data(), b.in.data(), n});
      ccm.push_back({&key.aes, b.out.data(), b.tag.data(), 16, {b.iv.data(), 13, b.in.data(), 13, b.in.data(), n}});
    }
  }
  std::vector<Buffer> buffers;
  std::vector<CbcJob> cbc;
  std::vector<CmacJob> cmac;
  std::vector<CcmSealJob> ccm;
};

// add_multi: bytes are those of all jobs together. CCM enciphers everything twice.
void add_multi(std::vector<Point>& points, double ghz) {
  for (const KernelRow& row : kAesKernels) {
    if (!runs(row)) continue;
    for (const size_t bits : {size_t{128}, size_t{256}}) {
      const double bound = bound_of(bits == 128 ? Mix::kAes128 : Mix::kAes256, row.lane, ghz);
      for (const size_t n : kSizes) {
        const auto batch = std::make_shared<Batch>(row.lane, bits / 8, n);
        const auto add = [&](const char* what, double what_bound, std::function<void()> call) {
          points.push_back({fmt::format("aes-{}-{}-multi-{}", bits, what, Batch::kJobs), row.lane, Batch::kJobs * n,
                            what_bound, std::move(call)});
        };
        add("cbc-encrypt", bound, [batch] { aes_cbc_encrypt_multi(batch->cbc.data(), Batch::kJobs); });
        add("cmac", bound, [batch] { cmac_multi(batch->cmac.data(), Batch::kJobs); });
        add("ccm-seal", bound / 2, [batch] { ccm_seal_multi(batch->ccm.data(), Batch::kJobs); });
      }
    }
  }
}

void add_sha256(std::vector<Point>& points, double ghz) {
  for (const KernelRow& row : kSha256Kernels) {
    if (!runs(row)) continue;
    const double bound = row.lane == Lane::kShani ? 64 / cycles_of_sha256_block(ghz) : 0;
    for (const size_t n : kSizes) {
      if (n < kSha256Block) continue;
      static std::array<uint32_t, 8> state{};
      const Lane lane = row.lane;
      points.push_back({"sha-256-blocks", lane, n, bound,
                        [lane, n] { sha256_blocks(lane, state.data(), buffers.in.data(), n / kSha256Block); }});
    }
  }
}

void print(const Point& p, const Measured& m, bool json) {
  const double speed = static_cast<double>(p.bytes) / m.cycles, share = p.bound == 0 ? 0 : speed / p.bound;
  if (!json) {
    fmt::print("{:<28} {:<9} {:>6} {:>9.1f} {:>8.3f} ", p.name, lane_name(p.lane), p.bytes, m.cycles, speed);
    if (p.bound == 0)
      fmt::print("{:>8} {:>6}\n", "-", "-");
    else
      fmt::print("{:>8.3f} {:>5.0f}%\n", p.bound, share * 100);
    return;
  }
  nlohmann::ordered_json j;
  j["name"] = p.name;
  j["lane"] = lane_name(p.lane);
  j["bytes"] = p.bytes;
  j["cycles"] = m.cycles;
  j["bytes_per_cycle"] = speed;
  j["bound_bytes_per_cycle"] = p.bound;
  j["share"] = share;
  fmt::print("{}\n", j.dump());
}

int run(int argc, char** argv) {
  bool json = false;
  unsigned rounds = 15;
  std::string filter = ".";
  CLI::App app{"Bytes a core cycle of each kernel, and the share of what this processor could do."};
  app.add_flag("--json", json, "one object a line");
  app.add_option("--filter", filter, "rows whose \"name lane bytes\" contain this regular expression");
  app.add_option("--rounds", rounds, "points a row")->check(CLI::Range(1, 1000));
  CLI11_PARSE(app, argc, argv);

  const int cpu = last_cpu();
  pin(cpu);
  const double ghz = core_ghz();
  fmt::print(stderr, "{}; pinned to {}, core clock {:.2f} GHz\n", describe_machine(), cpu, ghz);
  std::vector<Point> points;
  add_aes(points, ghz);
  add_gcm(points, ghz);
  add_gcm_siv(points, ghz);
  add_multi(points, ghz);
  add_sha256(points, ghz);
  if (!json)
    fmt::print("{:<28} {:<9} {:>6} {:>9} {:>8} {:>8} {:>6}\n", "kernel", "lane", "bytes", "cycles", "B/cycle", "bound",
               "share");
  const std::regex wanted(filter);
  for (const Point& p : points)
    if (std::regex_search(fmt::format("{} {} {}", p.name, lane_name(p.lane), p.bytes), wanted))
      print(p, measure(p, rounds), json);
  return 0;
}

}  // namespace
}  // namespace cm::bench

int main(int argc, char** argv) {
  try {
    return cm::bench::run(argc, argv);
  } catch (const std::exception& e) {
    fmt::print(stderr, "cycles: {}\n", e.what());
    return 1;
  }
}
