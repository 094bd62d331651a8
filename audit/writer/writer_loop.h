// SPDX-License-Identifier: Apache-2.0
// writer_loop.h: the writer's main thread: one turn after the other it takes what the other threads report, drains the
// rings into a frame, lets clients come and go, keeps clock and anchors, and rests until somebody needs it. Every frame
// of a running writer is appended here, so their order is the order of this file.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "audit/writer/client.h"
#include "audit/writer/clock_model.h"
#include "audit/writer/drain.h"
#include "audit/writer/journal.h"
#include "audit/writer/log_scan.h"
#include "audit/writer/options.h"
#include "audit/writer/server.h"
#include "audit/writer/service_manager.h"
#include "audit/writer/tpm_thread.h"

namespace cm::audit {

class WriterLoop {
 public:
  WriterLoop(const Options& options, uid_t writer_uid, Lane lane, Journal& journal, TpmThread& tpm, Server& server,
             WakeWord& wake, const SealSecret& seal_secret, const LogState& state, uint8_t tpm_kind,
             ServiceManager& manager, int metrics_dir_fd);

  // prepare: writes the first clock frame. Everything from here on happens inside the sandbox.
  Error prepare();
  // run: until the writer is to end. True when the log was ended and anchored; else error() says why not.
  bool run();
  const Error& error() const { return error_; }
  // say_goodbye: answers those who left. Who leaves last waits for the end of the log: with true when nothing of the
  // writer is left to do, with false when a new client came and the log goes on.
  void say_goodbye(bool log_ended);

 private:
  enum class Phase {
    kServing,
    kClosing,    // no new clients; what is published is drained
    kAnchoring,  // the end frame is written and waits for its anchor
    kOver,
  };
  struct PendingFrame {
    FrameType type;
    Bytes payload;
    std::optional<Digest> base;
    std::optional<uint64_t> writer_time_ns;
    Digest challenge{};        // of an anchor
    Digest previous_attest{};  // of an anchor with a challenge
  };
  // Challenge: an auditor who waits for an anchor over his nonce, or over a text that is to be signed after it.
  struct Challenge {
    std::shared_ptr<Connection> connection;
    Digest nonce;
    std::string text;  // empty: the anchor is the answer
  };
  // Job: an auditor who waits for the TPM.
  struct Job {
    std::shared_ptr<Connection> connection;
    AuditorJob what;
  };
  struct ExtendMark {
    uint64_t frame_seq;
    ClientPtr client;
    uint32_t ring;
    uint64_t end;
  };

  void turn();
  bool append(FrameType type, const Bytes& payload, const FrameExtras& extras = {});
  bool may_append() const { return !fatal_ && (!no_space_ || monotonic_ns() >= retry_space_ns_); }
  bool appended(Appended result);

  void take_server_events();
  void serve_hello(ServerEvent& event);
  void admit_new(ServerEvent& event);
  void admit_returning(ServerEvent& event);
  bool attach_client(ServerEvent& event, std::vector<uint64_t> next_seq, std::vector<CallRules> calls);
  SealSeed seal_seed_of(const ClientAttach& attach) const;
  void welcome(const Client& client, const SealSeed& seal_seed) const;
  void client_departs(const ServerEvent& event, Client::Fate fate);

  void take_tpm_events();
  Start boot_payload(const TpmEvent& event) const;
  void append_pending_frames();
  void publish_extends();
  void watch_tpm();
  uint64_t anchor_due_ns() const;
  void request_anchor();

  bool takes_questions(const Connection& connection) const;
  void take_challenge(const ServerEvent& event);
  void take_sign(const ServerEvent& event);
  void answer_challenge(const PendingFrame& anchor);
  void send_anchor(const Connection& connection, const PendingFrame& anchor) const;
  void refuse_challenges(const char* why);

  void take_job(const std::shared_ptr<Connection>& connection, AuditorJob job);
  void request_job();
  void answer_job(const AuditorResult& result);
  void send_endorsement(const Connection& connection, const Endorsement& endorsement) const;
  void refuse_jobs(const char* why);

  bool drain();
  bool write_batch();
  bool must_wait_for_more(const Backlog& backlog);
  void finish_clients();
  bool report_breaches(Client& client);
  bool record_departure(const Client& client);
  bool serves_somebody() const;
  void expire_absent_clients();
  void keep_clock();
  void keep_segments();
  void keep_observers();
  void write_metrics();
  void publish_flags();
  void rest();
  void sleep(uint64_t longest_ns, bool deep);

  void watch_end();
  void begin_closing(uint32_t reason);
  void close_step();

  const Options& options_;
  const Lane lane_;
  Journal& journal_;
  TpmThread& tpm_;
  Server& server_;
  WakeWord& wake_;
  const SealSecret& seal_secret_;
  ServiceManager& manager_;
  const MetricsFile metrics_file_;
  const Lane seal_lane_;
  const uint8_t tpm_kind_;
  const uint32_t incarnation_;
  const std::array<uint8_t, kIdSize> boot_id_;
  const uint32_t writer_uid_;

  std::vector<ClientPtr> clients_;
  std::map<std::array<uint8_t, kIdSize>, LoggedClient> absent_;  // of the writer before us, not back yet
  std::vector<std::shared_ptr<Connection>> goodbyes_;            // recorded as gone, not answered yet
  uint64_t next_ring_id_;
  Drain drain_;
  bool batch_waits_ = false;  // gathered and not written
  ClockModel clock_;
  std::deque<PendingFrame> pending_frames_;
  std::deque<ExtendMark> extend_marks_;
  Digest previous_attest_;
  std::deque<Challenge> challenges_;  // answered in their order, one an anchor
  bool anchor_in_flight_ = false;
  const Bytes genesis_payload_;
  const Digest genesis_head_;
  std::deque<Job> jobs_;        // answered in their order
  bool job_in_flight_ = false;  // the first of them
  uint64_t job_begun_ns_ = 0;   // monotonic, as the next
  uint64_t next_job_ns_ = 0;
  bool tpm_lost_ = false;
  bool tail_full_ = false;
  uint32_t flags_ = 0;
  uint32_t published_flags_ = 0;

  uint32_t close_segment_reason_ = 0;  // of SegmentSeal: the segment is to be closed

  Phase phase_ = Phase::kServing;
  uint32_t end_reason_ = 1;
  bool end_written_ = false;  // from here on nothing is written about clients: to the next writer they are attached
  bool end_undone_ = false;   // a boot frame stands behind the end frame
  bool end_log_asked_ = false;
  Error error_;
  uint32_t seen_wake_ = 0;  // value of the wake word that a turn has dealt with
  bool fatal_ = false;

  // Monotonic times.
  uint64_t started_ns_;
  uint64_t next_expiry_ns_ = 0;  // when absent clients are looked for again
  uint64_t retry_space_ns_ = 0;  // no append before this while the disk is full
  bool no_space_ = false;
  uint64_t oldest_pending_ns_ = 0;
  uint64_t last_traffic_ns_ = 0;
  uint64_t last_anchor_ns_ = 0;
  uint64_t last_clock_check_ns_ = 0;
  uint64_t last_client_ns_ = 0;
  uint64_t closing_since_ns_ = 0;
  uint64_t unanchored_since_ns_ = 0;
  uint64_t last_metrics_ns_ = 0;
  bool metrics_failed_ = false;
};

}  // namespace cm::audit
