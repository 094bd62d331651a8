// SPDX-License-Identifier: Apache-2.0
// log_reader.h: a small reader of audit logs for the writer's tests. It shares nothing with the writer but the
// structures of audit/frame.h and the payload decoders: hashes come from libcrypto and the CRC is computed bit by bit.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "audit/frame.h"
#include "audit/payload.h"

namespace cm::audit_test {

struct Frame {
  audit::FrameHeader header;
  audit::Bytes var;
  std::vector<audit::Record> records;
  audit::Digest head;
  audit::FrameType type() const { return static_cast<audit::FrameType>(header.type); }
};

struct Log {
  std::vector<Frame> frames;
  std::string fault;                                     // empty when everything fits together
  uint64_t carried = 0;                                  // frames that later ones carried, each time counted
  std::map<uint32_t, std::vector<audit::Record>> rings;  // by the writer's ring id, in order
  std::vector<const Frame*> of_type(audit::FrameType type) const;
  template <class Payload>
  std::vector<Payload> payloads(audit::FrameType type) const {
    std::vector<Payload> out;
    for (const Frame* frame : of_type(type)) {
      Payload payload;
      if (decode(frame->var, payload)) out.push_back(std::move(payload));
    }
    return out;
  }
  // types: one letter a frame: G B C A(ttach) D L R(ecords) Q(uote) U S Y(recovery) E.
  std::string types() const;
};

// read_log: all segments; checks chain, digests, midstates, CRC, marks, gapless sequences, PCR replay between bases and
// anchors' values, heads and counters.
Log read_log(const std::string& dir);

}  // namespace cm::audit_test
