// SPDX-License-Identifier: Apache-2.0
// tpm_ledger.cpp: see tpm_ledger.h.
#include "audit/attest/tpm_ledger.h"

#include <algorithm>

namespace cm::audit {

TpmTimes times_of(const TpmQuote& quote, const TpmNvCertify& certified) {
  const TpmClockInfo &a = quote.common.clock, &b = certified.common.clock;
  return {std::max(a.clock_ms, b.clock_ms), std::max(a.restart_count, b.restart_count)};
}

TpmTimes times_of(const Anchor& p) {
  const auto quote = parse_quote(p.quote_attest);
  const auto certified = parse_nv_certify(p.nv_attest);
  return quote && certified ? times_of(*quote, *certified) : TpmTimes{};
}

void TpmLedger::genesis(const Genesis& p) {
  tpm_ = p.tpm;
  counter_ = p.nv_start;
  proof_ended_ = resettable_pcr(p.pcr_index);
  pcr_.begin(p.pcr_start);
}

// look_at_counter: a counter ahead of the log means anchors that the log does not show. Two innocent causes are told
// apart. A writer stopped between its increment and its anchor frame leaves the counter one ahead; the next anchor uses
// that value or the one after it; with a PCR that is explained no frame can be missing. And an orderly counter of a
// chip jumps after an unclean shutdown (Part 1, 37.2.4), which cannot be told from missing anchors. Whether the clock
// is safe again says nothing: it is, about 70 minutes after the start of the TPM, whenever the writer was started.
StartNews::Counter TpmLedger::look_at_counter(const Start& p, const StartNews& news) const {
  using Counter = StartNews::Counter;
  if (p.nv_value == counter_) return Counter::kSame;
  const bool one_ahead = p.nv_value > counter_ && p.nv_value - counter_ == 1;
  if (one_ahead && !clean_ && !unexplained_since_anchor_ && !news.unexplained) return Counter::kAhead;
  if (news.reset && tpm_.kind == kTpmDevice && !clean_ && p.nv_value > counter_) return Counter::kJumped;
  return Counter::kWrong;
}

// look_at: a writer may find the PCR one or more extends behind the log and catch up.
StartNews TpmLedger::look_at(const Start& p) const {
  StartNews news;
  news.reset = p.tpm.reset_count != tpm_.reset_count;
  news.unclean = news.reset && !clean_;
  news.unexplained = !news.reset && !pcr_.explains(p.pcr_value);
  news.counter = look_at_counter(p, news);
  return news;
}

void TpmLedger::start(const Start& p) {
  const StartNews news = look_at(p);
  unexplained_since_anchor_ |= news.unexplained;
  proof_ended_ |= news.unexplained || news.unclean;
  ahead_ |= news.counter == StartNews::Counter::kAhead;
  if (news.counter == StartNews::Counter::kJumped) counter_ = p.nv_value;
  if (news.reset) pcr_.begin(p.pcr_value);
  tpm_ = p.tpm;
  clean_ = false;
}

// unexplained: what the writer had queued after the frame that `expected` belongs to was passed over.
void TpmLedger::unexplained(const UnexplainedExtend& p) {
  unexplained_since_anchor_ = proof_ended_ = true;
  pcr_.found(p.found);
}

void TpmLedger::anchor(const Anchor& p, const TpmTimes& times) {
  counter_ = p.nv_value;
  previous_attest_ = sha256_of(lane_, p.quote_attest);
  anchored_seq_ = p.anchored_seq;
  tpm_.clock_ms = std::max(tpm_.clock_ms, times.clock_ms);
  tpm_.restart_count = std::max(tpm_.restart_count, times.restart_count);
  ahead_ = unexplained_since_anchor_ = false;
  pcr_.anchored(p.anchored_seq);
}

}  // namespace cm::audit
