// SPDX-License-Identifier: Apache-2.0
// tpm_thread.h: the thread that owns the TPM. It extends the heads it is given in their order and takes anchors between
// two extends, so that a slow or dead TPM delays neither draining nor durability. It never sees a file or a client.
// Nothing is extended that is not durable: the caller's duty. An anchor is a certified counter and a quote, and it is
// checked as the verifier does it before it is reported: a TPM whose statements do not hold is a TPM that does not
// answer.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "audit/attest/attest_key.h"
#include "audit/attest/pcr_ledger.h"
#include "audit/payload.h"
#include "audit/writer/futex.h"
#include "audit/writer/tpm.h"

namespace cm::audit {

// ExtendItem: one durable frame. base: the PCR value it says it found (genesis, boot, unexplained-extend); replay goes
// on from there.
struct ExtendItem {
  uint64_t frame_seq = 0;
  Digest head{};
  std::optional<Digest> base;
  uint64_t writer_time_ns = 0;  // 0: not known, and before everything that is requested
};

// Withdrawn: heads that will not be extended by themselves. frames: how many frames the next one carries for them.
struct Withdrawn {
  uint32_t frames = 0;
  std::vector<ExtendItem> items;
};

// AnchorRequest: takes an anchor over the last frame enqueued before it, or a later one. A reset or an unexplained
// extend cancels it.
struct AnchorRequest {
  uint64_t writer_time_ns = 0;
  Digest previous_attest{};
  Digest challenge{};  // zero when nobody asked
};

// AuditorJob: what an auditor asks of the TPM: its endorsement key, to open a credential, or to sign a checkpoint.
struct AuditorJob {
  enum class Kind { kEndorsement, kActivate, kSign };
  Kind kind = Kind::kEndorsement;
  EkKind ek_kind = EkKind::kEccP256;
  Bytes credential = {};
  Bytes secret = {};
  std::string text = {};  // kSign
};

struct AuditorResult {
  std::string refusal;  // empty: what was asked for is here
  Endorsement endorsement;
  Bytes opened;
  Bytes signature;  // TPMT_SIGNATURE
};

// TpmEvent: what the thread has to tell the writer.
struct TpmEvent {
  enum class Kind {
    kAnchor,       // an anchor was taken: append it
    kLost,         // the TPM does not answer; text says why
    kBack,         // it answers again
    kReset,        // it was reset: append a boot frame; extends wait for it
    kUnexplained,  // the PCR was extended by somebody else: append that frame; extends wait for it
    kJob,          // an auditor's job was done, or refused
  };
  Kind kind = Kind::kLost;
  Anchor anchor;
  uint64_t writer_time_ns = 0;  // kAnchor: of the request, or of the anchored frame if that came later
  TpmIdentity identity;         // kReset
  Digest expected{};            // kUnexplained
  Digest found{};               // kUnexplained, kReset: the PCR as read
  uint64_t nv_value = 0;        // kReset
  AuditorResult result;         // kJob
  std::string text;
};

// TpmStart: what the log and the TPM agree on when the thread begins.
struct TpmStart {
  LogId log_id{};
  Digest pcr{};           // after the last extended frame
  uint64_t next_seq = 0;  // first frame that is not extended
  uint32_t reset_count = 0;
  uint64_t anchored_nv = 0;  // counter value of the last anchor in the log
  Bytes ak_public;           // of the genesis frame: another key is another TPM
};

class TpmThread {
 public:
  TpmThread(Tpm& tpm, Lane lane, WakeWord& wake) : tpm_(tpm), lane_(lane), wake_(wake) {}
  ~TpmThread() { stop(); }

  // set_start: an error when no anchor could hold, because the key is not such a one as the verifier takes.
  Error set_start(const TpmStart& start);
  // run: starts the thread; it blocks all signals. enqueue may be called before.
  void run();
  // stop: ends the thread. False when it hangs in a command: then the process may only exit at once.
  bool stop();

  void enqueue(const ExtendItem& item);
  // withdraw: takes back what waits behind the head that the TPM has, for the frame next_seq to carry. It is enqueued,
  // or what it was to carry is put back.
  Withdrawn withdraw(uint64_t next_seq);
  void put_back(const Withdrawn& withdrawn);
  void request_anchor(const AnchorRequest& request);
  // request_job: one at a time: the next after its event. It runs between two extends.
  void request_job(AuditorJob job);
  std::vector<TpmEvent> take_events();

  // extended_end: frames below this number are in the TPM, or covered through the chain by one that is.
  uint64_t extended_end() const { return extended_end_.load(std::memory_order_acquire); }
  // anchor_ns: how long the TPM took for the newest anchor, 0 before the first.
  uint64_t anchor_ns() const { return anchor_ns_.load(std::memory_order_relaxed); }
  // busy_since_ns: monotonic time at which the running command began, 0 while none runs.
  uint64_t busy_since_ns() const { return busy_since_ns_.load(std::memory_order_relaxed); }

 private:
  void loop();
  bool anchor_is_due() const;
  void serve_extend(std::unique_lock<std::mutex>& lock);
  void serve_anchor(std::unique_lock<std::mutex>& lock);
  void serve_job(std::unique_lock<std::mutex>& lock);
  void serve_reconnect(std::unique_lock<std::mutex>& lock);
  void serve_idle(std::unique_lock<std::mutex>& lock);

  // Each returns an error when the TPM did not answer; the others are reported as events.
  Error extend_one(const ExtendItem& item);
  Error take_anchor(const AnchorRequest& request);
  Error advance_counter(uint64_t& value);
  Error check_anchor(const Anchor& anchor, const Digest& binding);
  Error do_job(const AuditorJob& job, AuditorResult& out);
  Error look_for_reset(bool pcr_is_wrong);
  Error reconnect();
  Error settle_pcr();
  void break_replay(TpmEvent event);
  void advance(const ExtendItem& item);
  void note_result(const Error& error);
  void report(TpmEvent event);

  Tpm& tpm_;
  const Lane lane_;
  WakeWord& wake_;
  std::thread thread_;
  std::atomic<uint64_t> extended_end_{0};
  std::atomic<uint64_t> busy_since_ns_{0};
  std::atomic<uint64_t> anchor_ns_{0};
  std::atomic<bool> finished_{false};

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<ExtendItem> queue_;         // under mutex_; only the thread takes items out
  std::optional<AnchorRequest> anchor_;  // under mutex_
  std::optional<AuditorJob> job_;        // under mutex_
  uint64_t anchor_at_ = 0;               // under mutex_: taken when extended_end_ has reached it
  uint64_t enqueued_end_ = 0;            // under mutex_
  std::vector<TpmEvent> events_;         // under mutex_
  bool stopping_ = false;                // under mutex_

  // Of the thread alone.
  LogId log_id_{};
  Bytes ak_public_;
  std::optional<AttestKey> key_;
  Digest pcr_{};
  Digest last_head_{};
  uint64_t last_time_ns_ = 0;
  uint32_t reset_count_ = 0;
  uint64_t anchored_nv_ = 0;
  bool counter_known_ = false;  // it is at anchored_nv_: no increment was left without its anchor
  uint32_t bases_awaited_ = 0;  // replay is broken: heads are passed over until as many frames with a base have come
  bool connected_ = true;
};

}  // namespace cm::audit
