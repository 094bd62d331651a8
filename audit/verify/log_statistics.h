// SPDX-License-Identifier: Apache-2.0
// log_statistics.h: what there is to count in the frames that the verifier accepted, for a report. It must not judge.
// Memory is bounded whatever the log says: what is beyond the bounds (kListed*, kKeptKeys) is counted in one place
// together, or said to be given up.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "audit/verify/observer.h"
#include "audit/verify/record_selection.h"
#include "audit/verify/timeline.h"

namespace cm::audit::verify {

inline constexpr size_t kListedClients = 200;
inline constexpr size_t kListedRows = 200;      // of each other list
inline constexpr size_t kListedTextSize = 240;  // bytes of a text that the log chose
inline constexpr size_t kKeptKeys = 256;        // of a count by something that the log chooses

// KeptCounts: counts by key for the keys that came first; the others together.
template <class Key>
struct KeptCounts {
  std::map<Key, uint64_t> rows;
  uint64_t others = 0;
  void add(const Key& key) {
    const auto row = rows.find(key);
    if (row != rows.end())
      ++row->second;
    else if (rows.size() < kKeptKeys)
      rows.emplace(key, 1);
    else
      ++others;
  }
};

// KeptList: the first rows of a list; the others are only counted.
template <class Row>
struct KeptList {
  std::vector<Row> rows;
  uint64_t others = 0;
  void add(Row row) {
    if (rows.size() < kListedRows)
      rows.push_back(std::move(row));
    else
      ++others;
  }
};

struct ServiceStatistics {
  uint64_t entries = 0;
  uint64_t exits = 0;
  uint64_t failed = 0;        // exits with an error
  uint64_t approved = 0;      // as `search --indicator approved` has it
  uint64_t not_approved = 0;  // some job of a batch that failed may be not approved: such an exit is failed too
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  Latencies latencies;
};

enum class ClientEnd : uint8_t { kStillAttached, kDetached, kLost };

struct ClientStatistics {
  std::string id;  // hexadecimal
  uint32_t pid = 0;
  uint32_t uid = 0;
  std::string executable;  // at most kListedTextSize bytes of it
  std::string module_version;
  uint64_t attached_ns = 0;  // the writer's time
  uint64_t returns = 0;      // how often it came back to another writer
  uint64_t records = 0;
  ClientEnd end = ClientEnd::kStillAttached;
  uint32_t lost_reason = 0;
  uint64_t left_ns = 0;
};

struct SelfTestStatistics {
  uint64_t runs = 0;
  uint64_t failed = 0;
  uint64_t first_ns = 0;
  uint64_t last_ns = 0;
  uint64_t slowest_ns = 0;
};

// Milestone: a frame that begins, ends or interrupts something.
struct Milestone {
  uint64_t time_ns = 0;
  uint64_t frame = 0;
  FrameType type = FrameType::kGenesis;
  std::string about;
};

struct StateChange {
  uint64_t time_ns = 0;
  uint64_t record = 0;
  uint32_t event_id = 0;
  uint32_t cause = 0;
  uint32_t pid = 0;
};

// UnfinishedCall: an entry whose exit did not come before its client left, or before the judged frames end.
struct UnfinishedCall {
  RecordRow row;  // without its owner, which may have left
  uint32_t pid = 0;
  std::string executable;
  ClientEnd end = ClientEnd::kStillAttached;
};

// Lost: what was not recorded, or may be missing, by the records and frames that say so.
struct Losses {
  uint64_t calls_refused = 0;
  uint64_t acts_unrecorded = 0;
  uint64_t calls_reentered = 0;
  uint64_t boot_overflow = 0;
  uint64_t torn_bytes = 0;
};

struct AnchorStatistics {
  uint64_t count = 0;
  uint64_t first_ns = 0;
  uint64_t last_ns = 0;
  uint64_t most_records = 0;  // from one anchor frame to the next
  uint64_t longest_ns = 0;
  uint64_t challenged = 0;  // those that answer an auditor's challenge
};

struct Statistics {
  uint64_t frames = 0;
  uint64_t records = 0;
  uint64_t first_ns = 0;  // the writer's time of the first and the latest frame
  uint64_t last_ns = 0;
  uint64_t longest_silence_ns = 0;  // between two frames of one run
  std::map<FrameType, uint64_t> frames_by_type;
  std::map<uint32_t, ServiceStatistics> services;  // by event id; the verifier accepts no unknown one
  std::map<uint32_t, uint64_t> events;             // of other records, by event id
  std::map<uint32_t, SelfTestStatistics> self_tests;
  KeptCounts<std::pair<uint32_t, uint32_t>> reasons;  // service, indicator reason
  KeptCounts<std::pair<uint32_t, uint32_t>> errors;   // service, result
  std::vector<ClientStatistics> clients;              // the first kListedClients
  uint64_t other_clients = 0;
  uint64_t other_clients_records = 0;
  KeptList<Milestone> milestones;
  KeptList<StateChange> states;
  KeptList<UnfinishedCall> unfinished;
  uint64_t given_up = 0;  // entries whose exit was not waited for, because too many were open
  uint64_t unpaired_exits = 0;
  Losses losses;
  AnchorStatistics anchors;
  Latencies latencies;
  Timeline timeline;
};

class LogStatistics final : public FrameObserver {
 public:
  void accepted(const FrameView& frame, const FramePlace& place) override;
  // conclude: after the last frame, once.
  const Statistics& conclude();

 private:
  void frame_times(const FrameView& frame);
  void batch(const FrameView& frame, const Batch& p);
  void record(RecordRow& row, bool first_ring, const RingOwner* owner, Timeline::Bucket& bucket);
  void call(const RecordRow& row, bool first_ring);
  void call_ended(const Record& exit, Timeline::Bucket& bucket);
  void event(const RecordRow& row, const RingOwner* owner, Timeline::Bucket& bucket);
  void attach(const FrameView& frame, const ClientAttach& p);
  void leave(const FrameView& frame, const std::array<uint8_t, kIdSize>& id, ClientEnd end, uint32_t reason);
  void unfinished(const RecordRow& row, const RingOwner& owner, ClientEnd end);
  void anchor(const FrameView& frame, const Anchor& p);
  void milestone(const FrameView& frame);
  ClientStatistics* listed(const std::array<uint8_t, kIdSize>& id);

  Statistics out_;
  RingOwners owners_;
  OpenEntries open_;
  std::map<std::array<uint8_t, kIdSize>, size_t> listed_;  // of the listed clients, those that are attached
  uint64_t records_at_anchor_ = 0;
  uint64_t time_before_ = 0;
};

}  // namespace cm::audit::verify
