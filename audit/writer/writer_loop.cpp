// SPDX-License-Identifier: Apache-2.0
// writer_loop.cpp: see writer_loop.h. How a client comes and goes is in client_traffic.cpp, sleeping in rest.cpp.
#include "audit/writer/writer_loop.h"

#include <algorithm>
#include <cstdio>

#include "audit/writer/futex.h"
#include "audit/writer/log_start.h"
#include "crypto/sha2/sha256.h"
#include "cryptomod/cryptomod.h"

namespace cm::audit {
namespace {

constexpr uint64_t kMillisecond_ns = 1000000;
constexpr uint64_t kSecond_ns = 1000 * kMillisecond_ns;
constexpr uint64_t kSpaceRetry_ns = 100 * kMillisecond_ns;
constexpr uint64_t kTpmSilence_ns = 5 * kSecond_ns;  // a command that runs longer counts as a dead TPM
constexpr uint64_t kClockCheck_ns = kSecond_ns;
constexpr uint64_t kCoalesce_ns = 2 * kMillisecond_ns;  // records nobody waits for are collected this long
constexpr uint64_t kLonely_ns = 5 * kSecond_ns;         // a private writer without clients ends
constexpr uint64_t kFirstClient_ns = 15 * kSecond_ns;
constexpr uint64_t kMetrics_ns = 10 * kSecond_ns;
constexpr uint64_t kClosing_ns = 10 * kSecond_ns;

}  // namespace

WriterLoop::WriterLoop(const Options& options, uid_t writer_uid, Lane lane, Journal& journal, TpmThread& tpm,
                       Server& server, WakeWord& wake, const SealSecret& seal_secret, const LogState& state,
                       uint8_t tpm_kind, ServiceManager& manager, int metrics_dir_fd)
    : options_(options),
      lane_(lane),
      journal_(journal),
      tpm_(tpm),
      server_(server),
      wake_(wake),
      seal_secret_(seal_secret),
      manager_(manager),
      metrics_file_(metrics_dir_fd),
      seal_lane_(seal_lane()),
      tpm_kind_(tpm_kind),
      incarnation_(static_cast<uint32_t>(journal.position().next_frame_seq)),
      boot_id_(current_boot_id()),
      writer_uid_(writer_uid),
      next_ring_id_(state.next_ring_id),
      drain_(state.sessions),
      clock_(state.clock_generation),
      previous_attest_(state.tpm.previous_attest()),
      genesis_payload_(encode(state.genesis)),
      genesis_head_(state.genesis_head),
      started_ns_(monotonic_ns()) {
  for (const auto& [first_ring, client] : state.clients) absent_[client.attach.client_id] = client;
}

bool WriterLoop::append(FrameType type, const Bytes& payload, const FrameExtras& extras) {
  return may_append() && appended(journal_.append(type, payload, extras));
}

bool WriterLoop::appended(Appended result) {
  switch (result) {
    case Appended::kDone:
      if (no_space_) std::fprintf(stderr, "cryptomod-auditd: there is room again; the log goes on\n");
      no_space_ = false;
      return true;
    case Appended::kNoSpace:
      if (!no_space_)
        std::fprintf(stderr, "cryptomod-auditd: %s; nothing is acknowledged until there is room\n",
                     journal_.error().text.c_str());
      no_space_ = true;
      retry_space_ns_ = monotonic_ns() + kSpaceRetry_ns;
      return false;
    case Appended::kFatal:
      break;
  }
  fatal_ = true;
  error_ = journal_.error();
  return false;
}

Error WriterLoop::prepare() {
  if (seal_lane_ == Lane::kNone) return {"the self-test of AES failed; no seal can be checked"};
  keep_clock();
  return fatal_ || no_space_ ? journal_.error() : Error{};
}

bool WriterLoop::run() {
  while (phase_ != Phase::kOver && !fatal_) turn();
  if (metrics_file_.wanted()) write_metrics();
  return !fatal_ && !error_;
}

void WriterLoop::turn() {
  take_tpm_events();
  take_server_events();
  append_pending_frames();
  publish_extends();
  const bool drained = drain();
  finish_clients();
  expire_absent_clients();
  keep_clock();
  keep_segments();
  request_anchor();
  request_job();
  watch_tpm();
  publish_flags();
  keep_observers();
  watch_end();
  if (!drained && phase_ != Phase::kOver && !fatal_) rest();
}

// ---------------------------------------------------------------------------------------------------- TPM

Start WriterLoop::boot_payload(const TpmEvent& event) const {
  Start start;
  start.writer_version = CM_VERSION_STRING;
  start.writer_uid = writer_uid_;
  start.tpm = event.identity;
  start.pcr_value = event.found;
  start.nv_value = event.nv_value;
  start.boot_id = boot_id_;
  return start;
}

void WriterLoop::take_tpm_events() {
  for (TpmEvent& event : tpm_.take_events()) {
    switch (event.kind) {
      case TpmEvent::Kind::kAnchor:
        pending_frames_.push_back({FrameType::kAnchor, encode(event.anchor), std::nullopt, event.writer_time_ns,
                                   event.anchor.challenge, previous_attest_});
        sha256(lane_, previous_attest_.data(), event.anchor.quote_attest.data(), event.anchor.quote_attest.size());
        break;
      case TpmEvent::Kind::kLost:
        tpm_lost_ = true;
        std::fprintf(stderr, "cryptomod-auditd: the TPM does not answer: %s\n", event.text.c_str());
        break;
      case TpmEvent::Kind::kBack:
        tpm_lost_ = false;
        std::fprintf(stderr, "cryptomod-auditd: the TPM answers again\n");
        break;
      case TpmEvent::Kind::kReset:
        pending_frames_.push_back({FrameType::kBoot, encode(boot_payload(event)), event.found, std::nullopt, {}, {}});
        anchor_in_flight_ = false;
        break;
      case TpmEvent::Kind::kUnexplained:
        pending_frames_.push_back({FrameType::kUnexplainedExtend,
                                   encode(UnexplainedExtend{event.expected, event.found}),
                                   event.found,
                                   std::nullopt,
                                   {},
                                   {}});
        anchor_in_flight_ = false;
        std::fprintf(stderr, "cryptomod-auditd: the PCR was extended by somebody else; this is recorded\n");
        break;
      case TpmEvent::Kind::kJob:
        answer_job(event.result);
        break;
    }
  }
}

void WriterLoop::append_pending_frames() {
  while (!pending_frames_.empty()) {
    const PendingFrame& frame = pending_frames_.front();
    if (!append(frame.type, frame.payload, {{}, frame.base, frame.writer_time_ns})) return;
    if (frame.type == FrameType::kAnchor) {
      anchor_in_flight_ = false;
      answer_challenge(frame);
    }
    if (frame.type == FrameType::kBoot) end_undone_ = end_written_;
    pending_frames_.pop_front();
  }
}

void WriterLoop::publish_extends() {
  const uint64_t end = tpm_.extended_end();
  std::vector<ClientPtr> touched;
  while (!extend_marks_.empty() && extend_marks_.front().frame_seq < end) {
    const ExtendMark& mark = extend_marks_.front();
    mark.client->set_extended(mark.ring, mark.end);
    if (std::find(touched.begin(), touched.end(), mark.client) == touched.end()) touched.push_back(mark.client);
    extend_marks_.pop_front();
  }
  for (const ClientPtr& client : touched) client->notify();
}

void WriterLoop::watch_tpm() {
  const uint64_t since = tpm_.busy_since_ns();
  const bool silent = since != 0 && monotonic_ns() > since + kTpmSilence_ns;
  const uint32_t tpm_flag = tpm_lost_ || silent ? kWriterNoTpm : 0;
  flags_ = (no_space_ ? kWriterNoSpace : 0) | tpm_flag | (tail_full_ ? kWriterTailLimit : 0);
}

// anchor_due_ns: a slow TPM has at least twice as long for extends as for anchors.
uint64_t WriterLoop::anchor_due_ns() const {
  return last_anchor_ns_ + std::max(options_.anchor_interval_ms * kMillisecond_ns, 3 * tpm_.anchor_ns());
}

void WriterLoop::request_anchor() {
  const bool asked = !challenges_.empty();
  if (anchor_in_flight_ || tpm_lost_ || (!asked && !journal_.unanchored())) return;
  const uint64_t now = monotonic_ns();
  if (phase_ != Phase::kAnchoring && now < anchor_due_ns()) return;
  last_anchor_ns_ = now;
  anchor_in_flight_ = true;
  tpm_.request_anchor({journal_.request_time(), previous_attest_, asked ? challenges_.front().nonce : Digest{}});
}

// ---------------------------------------------------------------------------------------------------- records

// must_wait_for_more: frames that nobody waits for may grow for two milliseconds.
bool WriterLoop::must_wait_for_more(const Backlog& backlog) {
  const uint64_t now = monotonic_ns();
  if (oldest_pending_ns_ == 0) oldest_pending_ns_ = now;
  if (backlog.urgent || phase_ != Phase::kServing) return false;
  return now < oldest_pending_ns_ + kCoalesce_ns;
}

bool WriterLoop::drain() {
  if (batch_waits_) return write_batch();
  const Backlog backlog = look_at_rings(clients_);
  if (backlog.records == 0) {
    oldest_pending_ns_ = 0;
    tail_full_ = false;
    return false;
  }
  last_traffic_ns_ = monotonic_ns();
  const uint64_t tail = journal_.tail_records();
  tail_full_ = tail >= options_.tail_limit;
  if (tail_full_ || must_wait_for_more(backlog)) return false;
  if (no_space_ && monotonic_ns() < retry_space_ns_) return false;
  return drain_.gather(clients_, options_.tail_limit - tail) != 0 && write_batch();
}

// write_batch: what was gathered is written as it is, however often the disk has to be asked: the rules of calls and
// sessions have taken it in.
bool WriterLoop::write_batch() {
  batch_waits_ = true;
  if (!append(FrameType::kBatch, encode(drain_.batch()), {drain_.records(), {}, {}})) return false;
  batch_waits_ = false;
  oldest_pending_ns_ = 0;
  const uint64_t frame_seq = journal_.position().next_frame_seq - 1;
  const auto& gathered = drain_.gathered();
  for (size_t i = 0; i < gathered.size(); ++i) {
    const Drain::Gathered& g = gathered[i];
    g.client->acknowledge(g.take);
    extend_marks_.push_back({frame_seq, g.client, g.take.ring, g.take.first_seq + g.take.count});
    // A client's rings stand together: their numbers are consecutive and the batch is in their order.
    if (i + 1 == gathered.size() || gathered[i + 1].client != g.client) g.client->notify();
  }
  return true;
}

void WriterLoop::keep_clock() {
  const uint64_t now = monotonic_ns();
  const bool first = last_clock_check_ns_ == 0;
  if (phase_ != Phase::kServing || (!first && (clients_.empty() || now < last_clock_check_ns_ + kClockCheck_ns)))
    return;
  last_clock_check_ns_ = now;
  const std::optional<Clock> next = clock_.proposal();
  if (!next || !append(FrameType::kClock, encode(*next))) return;
  clock_.accept(*next);
  for (const ClientPtr& client : clients_) client->publish_clock(*next);
}

// keep_segments: closes the segment when it was asked for or its time has come. One without records is not old.
void WriterLoop::keep_segments() {
  if (phase_ != Phase::kServing) return;
  const Journal::SegmentAge& age = journal_.segment_age();
  if (options_.segment_age_s != 0 && age.has_records && close_segment_reason_ == 0 &&
      journal_.request_time() > age.first_time_ns + options_.segment_age_s * kSecond_ns)
    close_segment_reason_ = kSealedOld;
  if (close_segment_reason_ != 0 && may_append() && appended(journal_.close_segment(close_segment_reason_)))
    close_segment_reason_ = 0;
}

// keep_observers: tells the service manager that the loop turns, and the metrics file what it did.
void WriterLoop::keep_observers() {
  const uint64_t now = monotonic_ns();
  manager_.stay_alive(now);
  if (!journal_.unanchored()) unanchored_since_ns_ = 0;
  if (journal_.unanchored() && unanchored_since_ns_ == 0) unanchored_since_ns_ = now;
  if (!metrics_file_.wanted() || (last_metrics_ns_ != 0 && now < last_metrics_ns_ + kMetrics_ns)) return;
  last_metrics_ns_ = now;
  write_metrics();
}

void WriterLoop::write_metrics() {
  Metrics m;
  journal_.count(m);
  m.clients = clients_.size();
  m.unanchored_ns = unanchored_since_ns_ == 0 ? 0 : monotonic_ns() - unanchored_since_ns_;
  m.no_space = (flags_ & kWriterNoSpace) != 0;
  m.no_tpm = (flags_ & kWriterNoTpm) != 0;
  m.tail_full = (flags_ & kWriterTailLimit) != 0;
  const Error error = metrics_file_.write(metrics_text(m));
  if (error && !metrics_failed_) std::fprintf(stderr, "cryptomod-auditd: %s\n", error.text.c_str());
  metrics_failed_ = static_cast<bool>(error);
}

void WriterLoop::publish_flags() {
  if (flags_ == published_flags_) return;
  published_flags_ = flags_;
  for (const ClientPtr& client : clients_) client->set_flags(flags_);
}

// ---------------------------------------------------------------------------------------------------- end

void WriterLoop::watch_end() {
  if (phase_ != Phase::kServing) return close_step();
  if (!options_.is_private) return;
  const uint64_t now = monotonic_ns();
  if (!clients_.empty() || !absent_.empty() || server_.newcomers() != 0) {
    last_client_ns_ = now;
    if (end_log_asked_ && serves_somebody()) say_goodbye(false);  // a new client came: the log goes on
    return;
  }
  const bool lonely = last_client_ns_ == 0 ? now > started_ns_ + kFirstClient_ns : now > last_client_ns_ + kLonely_ns;
  if (end_log_asked_ || lonely) begin_closing(1);
}

void WriterLoop::begin_closing(uint32_t reason) {
  if (phase_ != Phase::kServing) return;
  phase_ = Phase::kClosing;
  end_reason_ = reason;
  closing_since_ns_ = monotonic_ns();
  server_.close_door();
  refuse_challenges("the writer is ending");
  refuse_jobs("the writer is ending");
  for (const ClientPtr& client : clients_) client->freeze();
}

// close_step: drains what is published, writes the end frame, waits for the anchor that covers it and for the extend of
// that anchor. A reset of the TPM in between begins the log anew with a boot frame, so the end frame is written again;
// an unexplained extend only needs to be anchored, too.
void WriterLoop::close_step() {
  if (monotonic_ns() > closing_since_ns_ + kClosing_ns) {
    error_ = {no_space_ ? "the log could not be ended: there is no room" : "the log could not be anchored at its end"};
    phase_ = Phase::kOver;
    return;
  }
  const bool rings_empty =
      std::none_of(clients_.begin(), clients_.end(), [](const ClientPtr& client) { return client->has_pending(); });
  if (phase_ == Phase::kClosing) {
    // An anchor on its way is let in first, so that the one that covers the end frame stands alone behind it.
    if (!rings_empty || (anchor_in_flight_ && !tpm_lost_) || !append(FrameType::kEnd, encode(End{end_reason_}))) return;
    end_written_ = true;
    end_undone_ = false;
    phase_ = Phase::kAnchoring;
  }
  if (end_undone_) {
    phase_ = Phase::kClosing;
  } else if (!journal_.unanchored() && tpm_.extended_end() == journal_.position().next_frame_seq) {
    phase_ = Phase::kOver;
  }
}

}  // namespace cm::audit
