// SPDX-License-Identifier: Apache-2.0
// live.cpp: see live.h.
#include "tests/audit/mutations/live.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "tests/audit/support/audit_program.h"
#include "tests/audit/support/fake_client.h"
#include "tests/audit/support/writer_process.h"

namespace cm::audit::test {
namespace {

namespace fs = std::filesystem;
using audit_test::FakeClient;
using audit_test::pause_ms;
using audit_test::TempDir;
using audit_test::WriterProcess;

constexpr uint32_t kEntry = static_cast<uint32_t>(EventId::kAeadSeal), kExit = kEntry | kExitBit;
constexpr uint64_t kRestartEvery = 20;
constexpr int kBetweenCalls_ms = 4;

// What a sound writer may leave at any moment under this load.
const Findings kAllowed = {FindingId::kNoEnd,       FindingId::kTornLastFrame, FindingId::kSoftwareAnchor,
                           FindingId::kNoIsolation, FindingId::kClientLost,    FindingId::kRecovered,
                           FindingId::kAnchorLost};

// call: one on a ring; false when the writer is not there.
bool call(FakeClient& client, uint32_t ring) {
  while (client.head(ring) % 2 == 0 || client.head(ring) == 0) {
    if (!client.publish(ring, kEntry, client.head(ring), 20)) return false;
  }
  return client.publish(ring, kExit, client.head(ring), 20);
}

// stay: a client that comes back to each writer.
void stay(const std::string& run_dir, const std::atomic<bool>& stop) {
  FakeClient client(run_dir, {4, 256});
  bool there = false;
  while (!stop) {
    if (there && client.peer_closed(0)) there = false;
    if (!there) there = client.attach();
    for (uint32_t ring = 0; there && ring < 4; ++ring) static_cast<void>(call(client, ring));
    pause_ms(kBetweenCalls_ms);
  }
  for (uint32_t ring = 0; there && ring < 4; ++ring)
    if (client.head(ring) % 2 != 0) static_cast<void>(client.publish(ring, kExit, client.head(ring)));
  static_cast<void>(there && client.detach(false));
}

// come_and_go: clients that live shortly; every other one ends without a word.
void come_and_go(const std::string& run_dir, const std::atomic<bool>& stop) {
  for (uint64_t i = 0; !stop; ++i) {
    FakeClient client(run_dir, {1, 256});
    if (!client.attach()) {
      pause_ms(5);
      continue;
    }
    static_cast<void>(call(client, 0));
    static_cast<void>(i % 2 == 0 && client.detach(false, 2000));
    pause_ms(kBetweenCalls_ms);
  }
}

Bytes content(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// copy_log: as a backup would, one segment after the other while the log grows.
void copy_log(const std::string& from, const std::string& to) {
  fs::create_directory(to);
  for (size_t i = 0; fs::exists(from + "/" + segment_name(i)); ++i) {
    const Bytes bytes = content(from + "/" + segment_name(i));
    std::ofstream(to + "/" + segment_name(i), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
}

}  // namespace

struct LiveLog::State {
  explicit State(uint64_t seed)
      : dice(seed), writer(dir.path(), {"--segment-size", "32768", "--anchor-interval-ms", "10"}) {}

  Report verify_at(const std::string& path) {
    Report report;
    verify::DirectorySource source;
    if (source.open(path, report)) verify::verify_log(source, {best_sha256_lane(), trust, {}, {}}, report);
    return report;
  }
  void stop_clients() {
    stop = true;
    for (std::thread& thread : clients) thread.join();
    clients.clear();
  }

  Dice dice;
  TempDir dir;
  WriterProcess writer;
  std::atomic<bool> stop{false};
  std::vector<std::thread> clients;
  verify::Trust trust;
  uint64_t looks = 0, proved = 0;
  std::vector<Bytes> segments;  // of the log after its end
  std::vector<FrameAt> at;
};

LiveLog::LiveLog(uint64_t seed) : state_(std::make_unique<State>(seed)) {
  if (state_->writer.start() != "ready") throw std::runtime_error("the writer does not start");
  Report report;
  verify::load_trust(state_->writer.trust_dir() + "/enrolment.json", "", state_->trust, report);
  state_->clients.emplace_back([this] { stay(state_->writer.run_dir(), state_->stop); });
  state_->clients.emplace_back([this] { come_and_go(state_->writer.run_dir(), state_->stop); });
}

LiveLog::~LiveLog() { state_->stop_clients(); }

Answer LiveLog::look() {
  State& s = *state_;
  pause_ms(static_cast<int>(s.dice.below(20)));
  if (++s.looks % kRestartEvery == 0) {
    s.writer.kill_now();
    if (s.writer.start() != "ready") return {-1, "the writer does not start again", {}};
  }
  const uint64_t way = s.dice.below(8);
  if (way == 0) {
    const int code =
        run_audit("verify " + s.writer.log_dir() + " --enrolment " + s.writer.trust_dir() + "/enrolment.json");
    return {code, code == verify::kExitIncomplete ? "" : "the program does not say that the log is live", {}};
  }
  const std::string copy = s.dir / "copy";
  if (way < 4) copy_log(s.writer.log_dir(), copy);
  const Report report = s.verify_at(way < 4 ? copy : s.writer.log_dir());
  fs::remove_all(copy);
  Answer answer{exit_code(report), "", {}};
  for (const verify::Finding& f : report.findings)
    if (!kAllowed.contains(f.id)) answer.wrong = "a finding on a live log: " + ids(report);
  const uint64_t proved = report.proof ? report.proof->records : 0;
  if (answer.code != verify::kExitIncomplete || !report.has(FindingId::kNoEnd))
    answer.wrong = "not live: " + ids(report);
  if (proved < s.proved) answer.wrong = "fewer records are proved than before: " + ids(report);
  s.proved = proved;
  return answer;
}

Answer LiveLog::change() {
  State& s = *state_;
  if (s.segments.empty()) {
    s.stop_clients();
    const int status = s.writer.terminate();
    const Report report = s.verify_at(s.writer.log_dir());
    for (size_t i = 0; i < report.counts.segments; ++i)
      s.segments.push_back(content(s.writer.log_dir() + "/" + segment_name(i)));
    s.at = frames_in(s.segments);
    return {exit_code(report), status == 0 && exit_code(report) == 0 ? "" : "not verified: " + ids(report), {}};
  }
  const uint64_t frame = s.dice.below(s.at.size()), byte = s.dice.below(s.at[frame].size);
  uint8_t& changed = s.segments[s.at[frame].segment][s.at[frame].offset + byte];
  const auto bit = static_cast<uint8_t>(1u << s.dice.below(8));
  changed ^= bit;
  Expected e;
  constexpr uint64_t kMagicAndVersion = 10;
  if (frame == 0 && byte < kMagicAndVersion) e.code = verify::kExitUndecided;
  e.frame = frame;
  e.segment = segment_name(s.at[frame].segment);
  const Report report = check(s.segments, s.trust);
  changed ^= bit;
  Answer answer{exit_code(report), wrong_in(e, report), {}};
  if (!answer.wrong.empty()) answer.wrong += ": " + ids(report);
  return answer;
}

}  // namespace cm::audit::test
