// SPDX-License-Identifier: Apache-2.0
// log_scan.h: reads an existing log so that a writer can continue it: headers and variable sections of every frame, and
// completely every frame without records and the last frame of every segment. It cuts off a torn last frame and changes
// nothing else; anything that a crash of a writer cannot have caused is refused. It judges no evidence: that is the
// verifier's work.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "audit/attest/tpm_ledger.h"
#include "audit/call_rules.h"
#include "audit/chain.h"
#include "audit/payload.h"
#include "audit/writer/error.h"
#include "audit/writer/session_book.h"

namespace cm::audit {

// LoggedClient: a client that was attached and has neither detached nor been lost.
struct LoggedClient {
  ClientAttach attach;
  uint64_t attach_seq = 0;  // frame of its first attach
  uint32_t attach_segment = 0;
  uint64_t attach_offset = 0;
  std::vector<uint64_t> next_seq;  // a ring
  std::vector<CallRules> calls;    // a ring; filled by replay_calls
  bool cut_off = false;            // it broke a ring and was not declared lost yet
};

struct LogState {
  explicit LogState(Lane lane) : tpm(lane) {}

  bool exists = false;
  ChainPosition position;
  uint64_t last_time_ns = 0;
  bool ended = false;  // an end frame, and only anchors and unexplained-extends after it
  Genesis genesis;
  Digest genesis_head{};
  TpmLedger tpm;
  uint32_t clock_generation = 0;
  bool unanchored = false;  // frames other than anchors stand behind the last anchored one
  uint64_t next_ring_id = 0;
  bool ever_attached = false;
  std::map<uint32_t, LoggedClient> clients;  // by first ring id
  SessionBook sessions;                      // of these clients; filled by replay_calls
  uint32_t segment = 0;
  uint64_t segment_size = 0;
  uint64_t segment_time_ns = 0;  // writer_time_ns of its first frame
  bool segment_closed = false;   // its last frame is a segment-seal
  bool torn_segment = false;     // without a log: segment 0 holds the remains of a genesis frame, perhaps no byte of it
  uint64_t torn_bytes = 0;
  Digest torn_digest{};
};

Error scan_log(int dir_fd, Lane lane, LogState& out);

// replay_calls: for the clients in the state, reads their records again: open calls and sessions. It reads every batch
// since the first of them was attached.
Error replay_calls(int dir_fd, LogState& state);

}  // namespace cm::audit
