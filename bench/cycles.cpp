// SPDX-License-Identifier: Apache-2.0
// cycles: bytes a core cycle of each kernel on each lane this processor runs, without the module around it, and the
// share of the bound (bounds_x86.h) that it reaches. Median of several rounds; the clock is read before and after each
// point, and a point during which it moved is taken again. GCM on the best lane stands beside libipsec-mb's direct
// interface, where that is installed: key object against key object.
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

#include "bench/cycles.h"
#include "bench/machine.h"
#if defined(CM_HAVE_IPSEC_MB)
#include "bench/peer_ipsec_mb.h"
#endif
#include "crypto/aes/aes.h"
#include "crypto/aes/aes_kernels.h"
#include "crypto/gcm/gcm.h"
#include "crypto/gcm/gcm_kernels.h"
#include "crypto/gcm_siv/gcm_siv.h"
#include "crypto/multi/multi.h"

namespace cm::bench {
namespace {

constexpr double kClockTolerance = 0.02;
constexpr uint64_t kPoint_ns = 200'000;

struct Measured {
  double cycles;  // a call
  double ghz;
};

// measure_once: false when the clock moved or the thread had to wait.
bool measure_once(const std::function<void()>& call, uint64_t calls, Measured& out) {
  const uint64_t waits = preemptions();
  const double before = core_ghz();
  clean_vector_state();
  const uint64_t begin = now_ns();
  for (uint64_t i = 0; i < calls; ++i) call();
  const uint64_t took = now_ns() - begin;
  const double after = core_ghz();
  out = {static_cast<double>(took) * after / static_cast<double>(calls), after};
  return preemptions() == waits && std::fabs(after - before) < kClockTolerance * before;
}

uint64_t calls_of(const std::function<void()>& call) {
  uint64_t calls = 1;
  for (Measured m{}; measure_once(call, calls, m), m.cycles * static_cast<double>(calls) / m.ghz < kPoint_ns;)
    calls *= 2;
  return calls;
}

double median(std::vector<double>& cycles) {
  if (cycles.empty()) throw std::runtime_error("the clock of this machine does not stand still for one point");
  std::sort(cycles.begin(), cycles.end());
  return cycles[cycles.size() / 2];
}

// Result: cycles a call; peer 0 where there is none.
struct Result {
  double own, peer;
};

// measure: own and peer by turns.
Result measure(const Point& point, unsigned rounds) {
  const uint64_t calls = calls_of(point.call);
  std::vector<double> own, peer;
  const auto take = [&](const std::function<void()>& call, std::vector<double>& kept) {
    if (Measured m{}; kept.size() < rounds && measure_once(call, calls, m)) kept.push_back(m.cycles);
  };
  for (unsigned tries = 0; own.size() < rounds && tries < 20 * rounds; ++tries) {
    take(point.call, own);
    if (point.peer) take(point.peer, peer);
  }
  return {median(own), point.peer ? median(peer) : 0};
}

void add_aes(std::vector<Point>& points, double ghz) {
  for (const KernelRow& row : kAesKernels) {
    if (!runs(row)) continue;
    for (const size_t bits : {size_t{128}, size_t{256}}) {
      const AesKey& key = key_of<AesKey>(row.lane, bits / 8, aes_key_init);
      const double bound = bound_of(bits == 128 ? Mix::kAes128 : Mix::kAes256, row.lane, ghz);
      for (const size_t n : kSizes) {
        const auto add = [&](const char* what, std::function<void()> call) {
          points.push_back({fmt::format("aes-{}-{}", bits, what), row.lane, n, bound, std::move(call), {}});
        };
        add("ecb-encrypt", [&key, n] { aes_encrypt_blocks(key, buffers.out.data(), buffers.in.data(), n / 16); });
        add("ecb-decrypt", [&key, n] { aes_decrypt_blocks(key, buffers.out.data(), buffers.in.data(), n / 16); });
        add("keystream", [&key, n] { aes_ctr_keystream(key, buffers.side.data(), buffers.out.data(), n / 16); });
      }
    }
  }
}

constexpr size_t kAad = 13;

template <size_t N>
Lane best_lane(const KernelRow (&rows)[N]) {
  Lane best = Lane::kNone;
  for (const KernelRow& row : rows)
    if (runs(row)) best = row.lane;
  return best;
}

// tag_of: that with which the ciphertext in.text opens. Its plaintext is sealed to find it: GCM's keystream is its own
// inverse.
std::array<uint8_t, 16> tag_of(const GcmKey& key, const GcmInput& in) {
  std::vector<uint8_t> plain(in.text_size), again(in.text_size);
  std::array<uint8_t, 16> tag{};
  gcm_seal(key, plain.data(), tag.data(), in);
  GcmInput back = in;
  back.text = plain.data();
  gcm_seal(key, again.data(), tag.data(), back);
  return tag;
}

// GcmPeer: the same messages by libipsec-mb; nothing where that is not installed.
#if defined(CM_HAVE_IPSEC_MB)
struct GcmPeer {
  std::function<void()> seal(size_t key_size, size_t n) const {
    return [this, key = key_of_size(key_size), n] {
      mb.seal(*key, buffers.out.data(), buffers.tag.data(), buffers.side.data(), buffers.in.data(), kAad,
              buffers.in.data(), n);
    };
  }
  std::function<void()> open(size_t key_size, size_t n) const {
    return [this, key = key_of_size(key_size), n] {
      static_cast<void>(mb.open(*key, buffers.out.data(), buffers.tag.data(), buffers.side.data(), buffers.in.data(),
                                kAad, buffers.in.data(), n));
    };
  }
  std::shared_ptr<IpsecMb::GcmKey> key_of_size(size_t size) const {
    static const std::array<uint8_t, 32> raw{1, 2, 3};
    return mb.gcm_key(raw.data(), size);
  }
  IpsecMb mb;
};
#else
struct GcmPeer {
  static std::function<void()> seal(size_t, size_t) { return {}; }
  static std::function<void()> open(size_t, size_t) { return {}; }
};
#endif

// add_gcm: opening is timed with the tag of the text that there is, because a message that does not open is zeroed.
void add_gcm(std::vector<Point>& points, double ghz) {
  static const GcmPeer peer;
  const Lane best = best_lane(kGcmKernels);
  for (const KernelRow& row : kGcmKernels) {
    if (!runs(row)) continue;
    for (const size_t bits : {size_t{128}, size_t{256}}) {
      const GcmKey& key = key_of<GcmKey>(row.lane, bits / 8, gcm_key_init);
      const double bound = bound_of(bits == 128 ? Mix::kGcm128 : Mix::kGcm256, row.lane, ghz);
      for (const size_t n : kSizes) {
        const GcmInput in{buffers.side.data(), 12, buffers.in.data(), kAad, buffers.in.data(), n};
        points.push_back({fmt::format("aes-{}-gcm-seal", bits), row.lane, n, bound,
                          [&key, in] { gcm_seal(key, buffers.out.data(), buffers.tag.data(), in); },
                          row.lane == best ? peer.seal(bits / 8, n) : nullptr});
        points.push_back({fmt::format("aes-{}-gcm-open", bits), row.lane, n, bound,
                          [&key, in, tag = tag_of(key, in)] {
                            static_cast<void>(gcm_open(key, buffers.out.data(), tag.data(), tag.size(), in));
                          },
                          row.lane == best ? peer.open(bits / 8, n) : nullptr});
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
        points.push_back({fmt::format("aes-{}-gcm-siv-seal", bits),
                          row.lane,
                          n,
                          bound,
                          [&key, in] { gcm_siv_seal(key, buffers.out.data(), buffers.tag.data(), in); },
                          {}});
        auto sealed = std::make_shared<Sealed>(key, in);
        points.push_back({fmt::format("aes-{}-gcm-siv-open", bits),
                          row.lane,
                          n,
                          bound,
                          [&key, in, sealed] {
                            GcmSivInput back = in;
                            back.text = sealed->text.data();
                            static_cast<void>(gcm_siv_open(key, buffers.out.data(), sealed->tag.data(), back));
                          },
                          {}});
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
          points.push_back({fmt::format("aes-{}-{}-multi-{}", bits, what, Batch::kJobs),
                            row.lane,
                            Batch::kJobs * n,
                            what_bound,
                            std::move(call),
                            {}});
        };
        add("cbc-encrypt", bound, [batch] { aes_cbc_encrypt_multi(batch->cbc.data(), Batch::kJobs); });
        add("cmac", bound, [batch] { cmac_multi(batch->cmac.data(), Batch::kJobs); });
        add("ccm-seal", bound / 2, [batch] { ccm_seal_multi(batch->ccm.data(), Batch::kJobs); });
      }
    }
  }
}

std::string or_dash(const char* format, double value) {
  return value == 0 ? "-" : fmt::format(fmt::runtime(format), value);
}

void print(const Point& p, const Result& r, bool json) {
  const double speed = static_cast<double>(p.bytes) / r.own, share = p.bound == 0 ? 0 : speed / p.bound;
  if (!json) {
    fmt::print("{:<28} {:<9} {:>6} {:>9.1f} {:>8.3f} {:>8} {:>6} {:>9} {:>6}\n", p.name, lane_name(p.lane), p.bytes,
               r.own, speed, or_dash("{:.3f}", p.bound), or_dash("{:.0f}%", share * 100), or_dash("{:.1f}", r.peer),
               or_dash("{:.2f}", r.peer / r.own));
    return;
  }
  nlohmann::ordered_json j;
  j["name"] = p.name;
  j["lane"] = lane_name(p.lane);
  j["bytes"] = p.bytes;
  j["cycles"] = r.own;
  j["bytes_per_cycle"] = speed;
  j["bound_bytes_per_cycle"] = p.bound;
  j["share"] = share;
  j["ipsec_mb_cycles"] = r.peer;
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
  add_modes(points, ghz);
  add_chacha(points, ghz);
  add_multi(points, ghz);
  add_hashes(points, ghz);
  if (!json)
    fmt::print("{:<28} {:<9} {:>6} {:>9} {:>8} {:>8} {:>6} {:>9} {:>6}\n", "kernel", "lane", "bytes", "cycles",
               "B/cycle", "bound", "share", "ipsec_mb", "ratio");
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
