// SPDX-License-Identifier: Apache-2.0
// tpm_thread.cpp: see tpm_thread.h.
#include "audit/writer/tpm_thread.h"

#include <algorithm>
#include <chrono>
#include <csignal>

#include "audit/probes.h"
#include "crypto/cpu/tsc_x86.h"
#include "crypto/sha2/sha256.h"

namespace cm::audit {
namespace {

constexpr auto kReconnectPause = std::chrono::seconds(1);
constexpr auto kPingPause = std::chrono::seconds(2);  // an idle writer notices a dead TPM within this time
constexpr int kStopTries = 100;
constexpr auto kStopPause = std::chrono::milliseconds(50);

}  // namespace

Error TpmThread::set_start(const TpmStart& start) {
  std::string why;
  key_ = AttestKey::from_public(lane_, start.ak_public, why);
  if (!key_) return {"the TPM's attestation key is not one that a verifier takes: " + why};
  log_id_ = start.log_id;
  pcr_ = start.pcr;
  extended_end_ = start.next_seq;
  enqueued_end_ = start.next_seq;
  reset_count_ = start.reset_count;
  anchored_nv_ = start.anchored_nv;
  ak_public_ = start.ak_public;
  return {};
}

void TpmThread::run() {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { loop(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

bool TpmThread::stop() {
  if (!thread_.joinable()) return true;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (int i = 0; i < kStopTries && !finished_; ++i) std::this_thread::sleep_for(kStopPause);
  if (finished_) {
    thread_.join();
    return true;
  }
  thread_.detach();
  return false;
}

void TpmThread::enqueue(const ExtendItem& item) {
  {
    const std::lock_guard lock(mutex_);
    enqueued_end_ = item.frame_seq + 1;
    queue_.push_back(item);
  }
  changed_.notify_all();
}

// withdraw: the first in the queue may be in the TPM already, and one with a base begins a replay.
Withdrawn TpmThread::withdraw(uint64_t next_seq) {
  Withdrawn out;
  const std::lock_guard lock(mutex_);
  if (queue_.empty()) return out;
  auto keep = queue_.end() - 1;
  while (keep != queue_.begin() && !keep->base) --keep;
  const uint64_t frames = next_seq - 1 - keep->frame_seq;
  if (keep + 1 == queue_.end() || frames > kMaxCarried) return out;
  out.frames = static_cast<uint32_t>(frames);
  out.items.assign(keep + 1, queue_.end());
  queue_.erase(keep + 1, queue_.end());
  return out;
}

void TpmThread::put_back(const Withdrawn& withdrawn) {
  {
    const std::lock_guard lock(mutex_);
    queue_.insert(queue_.end(), withdrawn.items.begin(), withdrawn.items.end());
  }
  changed_.notify_all();
}

void TpmThread::request_anchor(const AnchorRequest& request) {
  {
    const std::lock_guard lock(mutex_);
    anchor_ = request;
    anchor_at_ = enqueued_end_;
  }
  changed_.notify_all();
}

void TpmThread::request_job(AuditorJob job) {
  {
    const std::lock_guard lock(mutex_);
    job_ = std::move(job);
  }
  changed_.notify_all();
}

std::vector<TpmEvent> TpmThread::take_events() {
  const std::lock_guard lock(mutex_);
  return std::exchange(events_, {});
}

void TpmThread::report(TpmEvent event) {
  {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
  }
  wake_.wake();
}

void TpmThread::loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (!connected_)
      serve_reconnect(lock);
    else if (anchor_is_due())
      serve_anchor(lock);
    else if (job_)
      serve_job(lock);
    else if (!queue_.empty())
      serve_extend(lock);
    else
      serve_idle(lock);
  }
  lock.unlock();
  finished_ = true;
}

bool TpmThread::anchor_is_due() const {
  return anchor_.has_value() && bases_awaited_ == 0 && extended_end_ >= anchor_at_;
}

void TpmThread::note_result(const Error& error) {
  busy_since_ns_ = 0;
  if (!error) return;
  connected_ = false;
  TpmEvent event;
  event.kind = TpmEvent::Kind::kLost;
  event.text = error.text;
  report(std::move(event));
}

void TpmThread::serve_extend(std::unique_lock<std::mutex>& lock) {
  ExtendItem& front = queue_.front();
  if (front.base) {
    // Once only: when the extend fails, settle_pcr starts from this value.
    if (bases_awaited_ > 0) --bases_awaited_;
    pcr_ = *front.base;
    front.base.reset();
  }
  const ExtendItem item = front;
  lock.unlock();
  busy_since_ns_ = monotonic_ns();
  const Error error = extend_one(item);
  note_result(error);
  lock.lock();
  if (!error) queue_.pop_front();
}

void TpmThread::serve_anchor(std::unique_lock<std::mutex>& lock) {
  if (!anchor_) return;
  const AnchorRequest request = *anchor_;
  anchor_.reset();
  lock.unlock();
  const uint64_t begun_ns = monotonic_ns();
  busy_since_ns_ = begun_ns;
  const Error error = take_anchor(request);
  anchor_ns_ = monotonic_ns() - begun_ns;
  note_result(error);
  lock.lock();
  if (error) anchor_ = request;
}

void TpmThread::serve_job(std::unique_lock<std::mutex>& lock) {
  if (!job_) return;
  const AuditorJob job = std::move(*job_);
  job_.reset();
  lock.unlock();
  busy_since_ns_ = monotonic_ns();
  TpmEvent event;
  event.kind = TpmEvent::Kind::kJob;
  const Error error = do_job(job, event.result);
  if (error) event.result.refusal = "the TPM does not answer";
  report(std::move(event));
  note_result(error);
  lock.lock();
}

void TpmThread::serve_reconnect(std::unique_lock<std::mutex>& lock) {
  if (changed_.wait_for(lock, kReconnectPause, [this] { return stopping_; })) return;
  lock.unlock();
  busy_since_ns_ = monotonic_ns();
  const Error error = reconnect();
  busy_since_ns_ = 0;
  if (!error) {
    connected_ = true;
    TpmEvent event;
    event.kind = TpmEvent::Kind::kBack;
    report(std::move(event));
  }
  lock.lock();
}

void TpmThread::serve_idle(std::unique_lock<std::mutex>& lock) {
  if (changed_.wait_for(lock, kPingPause) == std::cv_status::no_timeout) return;
  lock.unlock();
  busy_since_ns_ = monotonic_ns();
  note_result(look_for_reset(false));
  lock.lock();
}

void TpmThread::advance(const ExtendItem& item) {
  pcr_ = extended_pcr(lane_, pcr_, item.head);
  last_head_ = item.head;
  last_time_ns_ = item.writer_time_ns;
  extended_end_.store(item.frame_seq + 1, std::memory_order_release);
  const uint64_t since_ns = busy_since_ns_;
  CM_PROBE_PCR_EXTENDED(item.frame_seq, since_ns == 0 ? 0 : monotonic_ns() - since_ns);
  wake_.wake();
}

Error TpmThread::extend_one(const ExtendItem& item) {
  if (bases_awaited_ > 0) return {};  // passed over: a later frame covers it through the chain
  if (Error error = tpm_.extend(item.head)) return error;
  advance(item);
  return {};
}

// advance_counter: a counter that is one ahead of the last anchor was incremented for an anchor that never reached the
// log; its value is used now, so that the values in the log stay consecutive.
Error TpmThread::advance_counter(uint64_t& value) {
  if (!counter_known_) {
    if (Error error = tpm_.read_counter(value)) return error;
    if (value == anchored_nv_ + 1) return {};
  }
  counter_known_ = false;
  if (Error error = tpm_.increment_counter()) return error;
  return tpm_.read_counter(value);
}

Error TpmThread::take_anchor(const AnchorRequest& request) {
  TpmEvent event;
  event.kind = TpmEvent::Kind::kAnchor;
  event.writer_time_ns = std::max(request.writer_time_ns, last_time_ns_);
  Anchor& anchor = event.anchor;
  // The PCR comes first: an increment without an anchor would be a gap when an unexplained-extend frame follows it.
  if (Error error = tpm_.read_pcr(anchor.pcr_value)) return error;
  if (anchor.pcr_value != pcr_) return look_for_reset(true);
  if (Error error = advance_counter(anchor.nv_value)) return error;
  anchor.anchored_seq = extended_end_ - 1;
  anchor.anchored_head = last_head_;
  anchor.challenge = request.challenge;
  const AnchorBinding binding{log_id_,          anchor.anchored_seq, anchor.anchored_head, request.previous_attest,
                              anchor.challenge, anchor.nv_value,     event.writer_time_ns};
  const Digest digest = qualifying_data(lane_, binding);
  if (Error error = tpm_.certify_counter(digest, anchor.nv_attest, anchor.nv_signature)) return error;
  anchor.tsc_before = read_tsc();
  if (Error error = tpm_.quote(digest, anchor.quote_attest, anchor.quote_signature)) return error;
  anchor.tsc_after = read_tsc();
  const uint32_t broken = bases_awaited_;
  if (Error error = check_anchor(anchor, digest)) return error;
  if (bases_awaited_ != broken) return {};  // replay is broken: this is no anchor
  anchored_nv_ = anchor.nv_value;
  counter_known_ = true;
  CM_PROBE_ANCHOR_TAKEN(anchor.anchored_seq, monotonic_ns() - busy_since_ns_);
  report(std::move(event));
  return {};
}

Error TpmThread::do_job(const AuditorJob& job, AuditorResult& out) {
  switch (job.kind) {
    case AuditorJob::Kind::kEndorsement:
      return tpm_.read_endorsement(job.ek_kind, out.endorsement, out.refusal);
    case AuditorJob::Kind::kActivate:
      return tpm_.activate(job.ek_kind, job.credential, job.secret, out.opened, out.refusal);
    case AuditorJob::Kind::kSign:
      break;
  }
  return tpm_.sign(job.text, out.signature, out.refusal);
}

void TpmThread::break_replay(TpmEvent event) {
  ++bases_awaited_;
  counter_known_ = false;
  {
    const std::lock_guard lock(mutex_);
    anchor_.reset();
  }
  report(std::move(event));
}

// check_anchor: signatures, bindings and values. A quote that holds and is of another PCR value, or after a reset,
// breaks the replay.
Error TpmThread::check_anchor(const Anchor& anchor, const Digest& binding) {
  Attested attested;
  uint64_t signatures = 0;
  if (!key_) return {"there is no attestation key"};
  if (const auto fault = key_->check(anchor, binding, attested, signatures))
    return {"the TPM attests what does not hold: " + fault->what};
  const TpmQuote& quote = attested.quote;
  if (!std::ranges::equal(quote.pcr_digest, sha256_of(lane_, pcr_)) || quote.common.clock.reset_count != reset_count_)
    return look_for_reset(true);
  if (quote.pcr != tpm_.pcr_index() || attested.certified.value != anchor.nv_value ||
      !std::ranges::equal(attested.certified.index_name, tpm_.nv_name()))
    return {"the TPM attests another PCR or another counter"};
  return {};
}

// look_for_reset: reports a reset when there was one, else, when the PCR is not what replay gives, that.
Error TpmThread::look_for_reset(bool pcr_is_wrong) {
  TpmEvent event;
  if (Error error = tpm_.identify(event.identity)) return error;
  if (event.identity.reset_count == reset_count_ && !pcr_is_wrong) return {};
  TpmState now;
  if (Error error = tpm_.read_state(now)) return error;
  const bool was_reset = now.identity.reset_count != reset_count_;
  if (!was_reset && now.pcr == pcr_) return {"the TPM's answers contradict each other"};
  event.kind = was_reset ? TpmEvent::Kind::kReset : TpmEvent::Kind::kUnexplained;
  event.identity = now.identity;
  event.expected = pcr_;
  event.found = now.pcr;
  event.nv_value = now.counter;
  reset_count_ = now.identity.reset_count;
  break_replay(std::move(event));
  return {};
}

Error TpmThread::reconnect() {
  if (Error error = tpm_.open()) return error;
  if (tpm_.ak_public() != ak_public_) return {"another TPM answers: its attestation key is not this log's"};
  if (Error error = tpm_.find_counter(false)) return error;
  counter_known_ = false;
  const uint32_t before = reset_count_;
  if (Error error = look_for_reset(false)) return error;
  return reset_count_ == before && bases_awaited_ == 0 ? settle_pcr() : Error{};
}

// settle_pcr: finds out whether the extend that failed took place.
Error TpmThread::settle_pcr() {
  Digest found;
  if (Error error = tpm_.read_pcr(found)) return error;
  if (found == pcr_) return {};
  std::unique_lock lock(mutex_);
  if (!queue_.empty() && extended_pcr(lane_, pcr_, queue_.front().head) == found) {
    const ExtendItem item = queue_.front();
    queue_.pop_front();
    lock.unlock();
    advance(item);
    return {};
  }
  lock.unlock();
  return look_for_reset(true);
}

}  // namespace cm::audit
