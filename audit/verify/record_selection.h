// SPDX-License-Identifier: Apache-2.0
// record_selection.h: walks over the records of frames and gives out those that a filter asks for, with what only the
// frames before can tell: whose ring it is, and the entry that an exit belongs to. It must not judge a log, and its
// memory is bounded whatever the log says: what is beyond the bounds (kept*) is out of reach, not wrong.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "audit/payload.h"
#include "audit/verify/frame_check.h"
#include "audit/verify/record_filter.h"

namespace cm::audit::verify {

inline constexpr size_t kKeptClients = 65536;        // attached at once
inline constexpr size_t kKeptEntries = 65536;        // open at once, in all rings
inline constexpr size_t kKeptExecutableSize = 4096;  // of a path

// RingOwner: a client, as far as it is of use to who reads its records.
struct RingOwner {
  std::array<uint8_t, kIdSize> client_id{};
  uint32_t pid = 0;
  std::string executable;
  uint32_t first_ring = 0;
  uint32_t ring_count = 0;
  bool wanted = false;  // by the filter's processes
};

// RingOwners: the clients that are attached, by their rings.
class RingOwners {
 public:
  void attach(const ClientAttach& client, bool wanted);
  std::optional<RingOwner> remove(const std::array<uint8_t, kIdSize>& client_id);
  const RingOwner* find(uint32_t ring) const;

 private:
  std::map<uint32_t, RingOwner> by_ring_;  // by the first
  std::map<std::array<uint8_t, kIdSize>, uint32_t> first_rings_;
};

// RecordRow: a record and what there is to say about it.
struct RecordRow {
  Record record{};
  uint64_t number = 0;  // in the log
  uint64_t frame = 0;
  uint64_t ring_seq = 0;             // the full one
  bool damaged = false;              // the frame's checks failed
  bool with_exit = false;            // chosen only as the entry of the exit that follows
  const RingOwner* owner = nullptr;  // nothing when the frame that says it was not seen or not readable
};

// OpenEntries: entries whose exit was not seen. A client's first ring may have several (call_rules.h), others one.
class OpenEntries {
 public:
  void add(const RecordRow& row, bool first_ring);
  // take: the one that this exit belongs to.
  std::optional<RecordRow> take(const Record& exit);
  // forget: the client has left. Gives what of it was open, oldest first in each ring.
  std::vector<RecordRow> forget(const RingOwner& owner);
  const std::map<uint32_t, std::vector<RecordRow>>& rings() const { return rings_; }
  // given_up: entries that were let go to keep within the bounds.
  uint64_t given_up() const { return given_up_; }

 private:
  std::map<uint32_t, std::vector<RecordRow>> rings_;
  size_t count_ = 0;
  uint64_t given_up_ = 0;
};

// RecordSelection: when the filter is about results, exits are held against it, and each is given out after its entry.
class RecordSelection {
 public:
  // Emit: false when no more is wanted.
  using Emit = std::function<bool(const RecordRow&)>;

  explicit RecordSelection(const RecordFilter& filter) : filter_(filter) {}
  // take: the next frame of the log. False when emit was.
  bool take(const FrameView& frame, bool damaged, const Emit& emit);

 private:
  bool record(RecordRow& row, const Emit& emit);
  void clients(const FrameView& frame);
  void leave(const std::array<uint8_t, kIdSize>& client_id);

  const RecordFilter& filter_;
  RingOwners owners_;
  OpenEntries open_;
};

}  // namespace cm::audit::verify
