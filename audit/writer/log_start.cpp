// SPDX-License-Identifier: Apache-2.0
// log_start.cpp: see log_start.h. Order of the first frames: audit/frame.h.
#include "audit/writer/log_start.h"

#include <fcntl.h>
#include <sys/random.h>

#include <cstdio>
#include <deque>
#include <string>

#include "audit/writer/enrolment_file.h"
#include "cryptomod/cryptomod.h"

namespace cm::audit {
namespace {

constexpr char kWriterVersion[] = CM_VERSION_STRING;

Error append(Journal& journal, FrameType type, const Bytes& payload, const FrameExtras& extras = {}) {
  return journal.append(type, payload, extras) == Appended::kDone ? Error{} : journal.error();
}

Error begin(const StartContext& c, LogState& state) {
  const int trust_fd = c.directories.trust.get();
  if (trust_fd >= 0 && enrolment_exists(trust_fd))
    return {
        "the trust directory holds the enrolment record of another log, and there is no log here; if that log was "
        "moved, bring it back; for a new log give a new --trust directory"};
  if (state.torn_segment && unlinkat(c.directories.log.get(), segment_name(0).c_str(), 0) != 0)
    return system_error("cannot remove the remains of a genesis frame");
  c.tpm.select(c.options.pcr, c.options.nv_index);
  Genesis& g = state.genesis;
  g.writer_version = kWriterVersion;
  g.writer_uid = c.account.uid;
  g.creator_uid = c.creator;
  g.isolated = g.writer_uid != g.creator_uid && g.writer_uid != 0 ? 1 : 0;
  g.pcr_index = c.options.pcr;
  g.nv_index = c.options.nv_index;
  g.boot_id = current_boot_id();
  g.ak_public = c.tpm.ak_public();
  TpmState now;
  if (Error error = c.tpm.find_counter(true)) return error;
  if (Error error = c.tpm.read_state(now)) return error;
  g.tpm = now.identity;
  g.nv_start = now.counter;
  g.pcr_start = now.pcr;
  g.nv_name = c.tpm.nv_name();
  LogId& log_id = state.position.log_id;
  if (getrandom(log_id.data(), log_id.size(), 0) != static_cast<ssize_t>(log_id.size()))
    return system_error("cannot draw a log id");

  c.journal.set_position(state.position, 0, false, 0);
  if (Error error = c.tpm_thread.set_start({log_id, g.pcr_start, 0, g.tpm.reset_count, g.nv_start, g.ak_public}))
    return error;
  if (Error error = append(c.journal, FrameType::kGenesis, encode(g), {{}, g.pcr_start, {}})) return error;
  state.genesis_head = c.journal.position().prev_head;
  return trust_fd >= 0 ? write_enrolment(trust_fd, log_id, g, state.genesis_head) : Error{};
}

// same_tpm: the log may only go on with the key and the counter that its genesis names.
Error same_tpm(const StartContext& c, const Genesis& g) {
  if (c.tpm.ak_public() != g.ak_public)
    return {
        "this log was begun with another TPM (or the TPM was cleared since): its attestation key differs. The log "
        "stays verifiable as it is; begin a new one"};
  if (Error error = c.tpm.find_counter(false)) return error;
  if (c.tpm.nv_name() != g.nv_name)
    return {
        "the NV counter is not the one this log was begun with: it was deleted and defined again. The log stays "
        "verifiable as it is; begin a new one"};
  return {};
}

void warn_about_counter(uint64_t live, uint64_t anchored) {
  if (live == anchored || live == anchored + 1) return;
  std::fprintf(stderr,
               "cryptomod-auditd: the NV counter reads %llu and the last anchor in the log has %llu: anchors are "
               "missing from the log or somebody else counted; the verifier will report it\n",
               static_cast<unsigned long long>(live), static_cast<unsigned long long>(anchored));
}

struct Continuation {
  Start start;
  bool was_reset = false;
  bool explained = false;  // without a reset: the PCR has a value that the log led to
  Digest pcr{};            // now
};

// catch_up: extends the heads that were durable and had not reached the TPM when the writer before ended.
Error catch_up(const StartContext& c, const LogState& state, Continuation& next) {
  std::deque<ExtendedFrame> waiting;
  next.explained = state.tpm.pcr().behind(next.pcr, waiting);
  if (!next.explained) return {};
  for (const ExtendedFrame& frame : waiting)
    if (Error error = c.tpm.extend(frame.head)) return error;
  next.pcr = state.tpm.pcr().value();
  return {};
}

Error append_first_frames(const StartContext& c, LogState& state, Continuation& next) {
  Digest pcr = next.pcr;
  const bool unclean = !state.ended;
  const auto follow = [&](const Digest& base) { pcr = extended_pcr(c.lane, base, c.journal.position().prev_head); };
  const auto boot = [&]() -> Error {
    Start start = next.start;
    start.pcr_value = pcr;
    start.torn_bytes = 0;
    start.torn_digest = {};
    Error error = append(c.journal, FrameType::kBoot, encode(start), {{}, pcr, {}});
    follow(pcr);
    return error;
  };
  if (next.was_reset) {
    if (Error error = boot()) return error;
  } else if (!next.explained) {
    const Bytes payload = encode(UnexplainedExtend{state.tpm.pcr().value(), pcr});
    if (Error error = append(c.journal, FrameType::kUnexplainedExtend, payload, {{}, pcr, {}})) return error;
    follow(pcr);
  }
  if (unclean) {
    next.start.pcr_value = pcr;
    return append(c.journal, FrameType::kRecovery, encode(next.start));
  }
  return next.was_reset ? Error{} : boot();
}

Error resume(const StartContext& c, LogState& state) {
  Continuation next;
  next.start.writer_version = kWriterVersion;
  next.start.writer_uid = c.account.uid;
  next.start.boot_id = current_boot_id();
  next.start.torn_bytes = state.torn_bytes;
  next.start.torn_digest = state.torn_digest;
  TpmState now;
  c.tpm.select(state.genesis.pcr_index, state.genesis.nv_index);
  if (Error error = same_tpm(c, state.genesis)) return error;
  if (Error error = c.tpm.read_state(now)) return error;
  next.start.tpm = now.identity;
  next.start.nv_value = now.counter;
  next.pcr = now.pcr;
  warn_about_counter(next.start.nv_value, state.tpm.counter());
  if (Error error = replay_calls(c.directories.log.get(), state)) return error;
  next.was_reset = next.start.tpm.reset_count != state.tpm.tpm().reset_count;
  if (!next.was_reset)
    if (Error error = catch_up(c, state, next)) return error;

  if (Error error = c.store.resume(state.segment, state.segment_size, state.segment_closed)) return error;
  c.journal.set_position(state.position, state.last_time_ns, state.unanchored, state.segment_time_ns);
  if (Error error = c.tpm_thread.set_start({state.position.log_id, next.pcr, state.position.next_frame_seq,
                                            next.start.tpm.reset_count, state.tpm.counter(), state.genesis.ak_public}))
    return error;
  if (Error error = append_first_frames(c, state, next)) return error;
  const int trust_fd = c.directories.trust.get();
  // A crash between genesis and its enrolment record: nobody was served yet, so nothing is vouched for afterwards.
  if (trust_fd >= 0 && !state.ever_attached && !enrolment_exists(trust_fd))
    return write_enrolment(trust_fd, state.position.log_id, state.genesis, state.genesis_head);
  return {};
}

}  // namespace

std::array<uint8_t, kIdSize> current_boot_id() {
  std::array<uint8_t, kIdSize> out{};
  UniqueFd fd(open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  char text[64] = {};
  if (!fd.valid() || read(fd.get(), text, sizeof text - 1) <= 0) return out;
  size_t nibbles = 0;
  for (const char* p = text; *p != '\0' && nibbles < 2 * kIdSize; ++p) {
    const int digit = *p >= '0' && *p <= '9' ? *p - '0' : *p >= 'a' && *p <= 'f' ? *p - 'a' + 10 : -1;
    if (digit < 0) continue;
    out[nibbles / 2] = static_cast<uint8_t>(out[nibbles / 2] << 4 | digit);
    ++nibbles;
  }
  return out;
}

Error start_log(const StartContext& context, LogState& state) {
  if (Error error = scan_log(context.directories.log.get(), context.lane, state)) return error;
  return state.exists ? resume(context, state) : begin(context, state);
}

}  // namespace cm::audit
