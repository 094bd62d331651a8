// SPDX-License-Identifier: Apache-2.0
// clean_log.cpp: see clean_log.h. Some lives of a writer; in each of them clients come, record, break their rings, go
// and are lost, the TPM quotes, is reset and extended by others.
#include "tests/audit/mutations/clean_log.h"

#include <algorithm>

#include "tests/audit/mutations/dice.h"

namespace cm::audit::test {
namespace {

using Session = std::array<uint8_t, 16>;

constexpr uint64_t kFarNs = 120'000'000'000;  // twice the tolerance of a record's time

const std::vector<EventId> kServices = {EventId::kAeadSeal,    EventId::kAeadOpen,   EventId::kHashCompute,
                                        EventId::kRandomBytes, EventId::kKeyDestroy, EventId::kMacVerify,
                                        EventId::kKdfDerive,   EventId::kStatus,     EventId::kCipherEncrypt};
const std::vector<uint32_t> kEvents = {0x10001, 0x10005, 0x20003, 0x30002, 0x30005, 0x40000, 0x40001};

struct OpenOne {
  Record entry;
  uint64_t seq;
};

struct Client {
  TestClient test;
  bool attached = true;
  std::vector<std::vector<OpenOne>> open;  // by ring, oldest first
  std::vector<bool> cut;
  std::vector<Session> sessions;
  std::vector<Session> unopened;  // used, and not opened so far

  bool cut_off() const { return std::find(cut.begin(), cut.end(), true) != cut.end(); }
};

class Drawer {
 public:
  Drawer(uint64_t seed, Shape shape, uint8_t key)
      : dice_(seed),
        shape_(shape),
        key_(key != 0 ? key : static_cast<uint8_t>(dice_.from_to(1, 200))),
        clean_{LogBuilder(key_), {}, {}, key_} {}
  CleanLog run();

 private:
  void genesis();
  void step();
  void attach();
  void records();
  void calls(Client& c, size_t ring, std::vector<Record>& out);
  void first_ring(Client& c, std::vector<Record>& out);
  void thread_call(Client& c, size_t ring, std::vector<Record>& out);
  void open_sessions(Client& c, size_t ring, std::vector<Record>& out);
  void leave();
  void detach(size_t index);
  void lose(size_t index, uint32_t reason);
  void break_ring();
  uint64_t settled() const { return std::max(anchor_from_, in_pcr_); }
  void carry();
  uint64_t not_carried(uint64_t frame) const;
  void anchor();
  void unexplained();
  void change_segment();
  void recovery();
  void tpm_reset(bool writer_goes_on);
  void start(FrameType type, bool reset);
  void come_back();
  void end();
  void next_life();

  void note(FindingId id) { clean_.planned.push_back({id, log().chain.frame_seq - 1}); }
  void added(uint64_t /*frame*/) { clean_.moments.push_back(now_); }
  LogBuilder& log() { return clean_.log; }
  Client* somebody_attached();
  Record sealed(const Client& c, Record r);
  Session new_session();

  Dice dice_;
  Shape shape_;
  uint8_t key_;
  CleanLog clean_;
  Moment now_;
  std::vector<Client> clients_;
  uint64_t anchor_from_ = 0;  // the first frame that an anchor may name
  uint64_t in_pcr_ = 0;       // the newest frame that a start frame found in the PCR, or the start itself
  bool barrier_ = false;
  bool unexplained_since_anchor_ = false;
};

Session Drawer::new_session() {
  Session id;
  dice_.fill(id);
  return id;
}

void Drawer::genesis() {
  dice_.fill(log().chain.log_id);
  dice_.fill(log().tpm.pcr);
  log().tpm.identity.kind = dice_.one_in(4) ? 2 : 1;
  log().tpm.identity.reset_count = static_cast<uint32_t>(dice_.from_to(1, 1000));
  log().tpm.identity.restart_count = static_cast<uint32_t>(dice_.below(3));
  log().tpm.nv_value = dice_.below(1u << 20);
  log().tpm.pcr_index = dice_.one_in(40) ? 16 : static_cast<uint32_t>(dice_.below(16));
  now_.nv_value = log().tpm.nv_value;
  const bool isolated = !dice_.one_in(4);
  added(log().genesis([&](Genesis& g) {
    g.isolated = isolated ? 1 : 0;
    if (!isolated) g.writer_uid = 1001;
    if (!isolated) g.creator_uid = 1001;
  }));
  barrier_ = log().tpm.pcr_index == 16;
  if (barrier_) note(FindingId::kResettablePcr);
  if (!isolated) note(FindingId::kNoIsolation);
  if (log().tpm.identity.kind == 1) note(FindingId::kSoftwareAnchor);
}

Client* Drawer::somebody_attached() {
  std::vector<Client*> there;
  for (Client& c : clients_)
    if (c.attached) there.push_back(&c);
  return there.empty() ? nullptr : dice_.one_of(there);
}

void Drawer::attach() {
  if (clients_.size() > 6) return;
  const bool seals = dice_.one_in(3), same_user = dice_.one_in(20);
  Client c;
  c.test = log().attach(static_cast<uint32_t>(dice_.from_to(1, 3)), [&](ClientAttach& a) {
    a.pid = static_cast<uint32_t>(dice_.below(1u << 22));
    a.ring_records = 256u << dice_.below(9);
    a.first_ring_id += static_cast<uint32_t>(dice_.below(3));
    dice_.fill(a.module_digest);
    if (same_user) a.uid = 990;
    if (!seals) return;
    a.seal_kind = kSealChain;
    dice_.fill(a.seal_commitment);
  });
  added(0);
  Genesis g;
  if (decode(log().frames[0].var, g) && c.test.attach.uid == g.writer_uid) note(FindingId::kNoIsolation);
  c.open.resize(c.test.rings.size());
  c.cut.resize(c.test.rings.size());
  clients_.push_back(std::move(c));
}

// sealed: no log shows whether a seal is right, so any will do where there are some.
Record Drawer::sealed(const Client& c, Record r) {
  if (c.test.attach.seal_kind != kSealNone) r.seal = dice_.number();
  return r;
}

void Drawer::first_ring(Client& c, std::vector<Record>& out) {
  Ring& ring = c.test.rings[0];
  std::vector<OpenOne>& open = c.open[0];
  for (uint64_t i = dice_.below(4); i > 0; --i) {
    if (dice_.one_in(2)) {
      out.push_back(sealed(c, ring.record(dice_.one_of(kEvents))));
    } else if (open.size() < 4 && dice_.one_in(2)) {
      const uint64_t seq = ring.next;
      out.push_back(sealed(c, ring.entry(dice_.one_of(kServices), {}, dice_.number())));
      open.push_back({out.back(), seq});
    } else if (!open.empty()) {
      // An exit belongs to the oldest open entry of its event.
      const uint32_t event = dice_.one_of(open).entry.event_id;
      open.erase(std::find_if(open.begin(), open.end(), [&](const OpenOne& o) { return o.entry.event_id == event; }));
      out.push_back(sealed(c, ring.exit(static_cast<EventId>(event), {}, dice_.number())));
    }
  }
}

void Drawer::open_sessions(Client& c, size_t ring, std::vector<Record>& out) {
  Session id = c.unopened.empty() ? new_session() : c.unopened.back();
  if (!c.unopened.empty()) c.unopened.pop_back();
  out.push_back(sealed(c, c.test.rings[ring].entry(EventId::kSessionOpen)));
  out.push_back(sealed(c, c.test.rings[ring].exit(EventId::kSessionOpen, id, dice_.number())));
  c.sessions.push_back(id);
}

void Drawer::thread_call(Client& c, size_t ring, std::vector<Record>& out) {
  Session session{};
  if (!c.sessions.empty() && !dice_.one_in(4)) session = dice_.one_of(c.sessions);
  EventId event = dice_.one_of(kServices);
  if (dice_.one_in(25)) {
    session = new_session();
    c.unopened.push_back(session);
  } else if (!c.sessions.empty() && dice_.one_in(8)) {
    event = EventId::kSessionClose;
    session = c.sessions.front();
  }
  const uint64_t seq = c.test.rings[ring].next;
  out.push_back(sealed(c, c.test.rings[ring].entry(event, session, dice_.number(), dice_.below(5000))));
  if (dice_.one_in(12)) {
    c.open[ring].push_back({out.back(), seq});
    return;
  }
  const int32_t result = dice_.one_in(5) ? -13 : 0;
  out.push_back(sealed(c, c.test.rings[ring].exit(event, session, dice_.number(), result)));
}

void Drawer::calls(Client& c, size_t ring, std::vector<Record>& out) {
  if (c.cut[ring]) return;
  if (ring == 0) return first_ring(c, out);
  if (!c.open[ring].empty()) {
    if (dice_.one_in(3)) return;
    const Record entry = c.open[ring][0].entry;
    Session session;
    std::copy_n(entry.session_id, session.size(), session.begin());
    out.push_back(sealed(c, c.test.rings[ring].exit(static_cast<EventId>(entry.event_id), session, entry.object)));
    c.open[ring].clear();
  }
  if (!c.unopened.empty() || dice_.one_in(c.sessions.empty() ? 2 : 10)) open_sessions(c, ring, out);
  for (uint64_t i = dice_.below(4); i > 0 && c.open[ring].empty(); --i) thread_call(c, ring, out);
}

void Drawer::records() {
  std::vector<Record> out;
  for (Client& c : clients_)
    for (size_t ring = 0; c.attached && ring < c.test.rings.size(); ++ring)
      if (!dice_.one_in(3)) calls(c, ring, out);
  if (out.empty()) return;
  const bool far = dice_.one_in(100);
  if (far) out[dice_.below(out.size())].time_ns += kFarNs;
  added(log().batch(std::move(out)));
  if (far) note(FindingId::kRecordTime);
}

void Drawer::lose(size_t index, uint32_t reason) {
  Client& c = clients_[index];
  std::vector<OpenEntry> named;
  for (size_t ring = 0; ring < c.open.size(); ++ring)
    for (const OpenOne& o : c.open[ring]) {
      if (ring == 0 && dice_.one_in(3)) continue;  // of a first ring some may be left out
      named.push_back({c.test.rings[ring].id(), o.entry.event_id, o.seq, o.entry.object});
    }
  added(log().lost(c.test, named, reason));
  note(FindingId::kClientLost);
  if (!c.unopened.empty()) note(FindingId::kSessionUnproved);
  clients_.erase(clients_.begin() + static_cast<ptrdiff_t>(index));
}

// detach: what was used must have been opened by then.
void Drawer::detach(size_t index) {
  Client& c = clients_[index];
  const auto free_ring = [&] {
    for (size_t ring = 1; ring < c.cut.size(); ++ring)
      if (!c.cut[ring] && c.open[ring].empty()) return ring;
    return size_t{0};
  }();
  if (!c.unopened.empty() && free_ring == 0) return lose(index, 1);
  std::vector<Record> out;
  while (!c.unopened.empty()) open_sessions(c, free_ring, out);
  if (!out.empty()) added(log().batch(std::move(out)));
  added(log().detach(c.test));
  if (std::any_of(c.open.begin(), c.open.end(), [](const auto& open) { return !open.empty(); }))
    note(FindingId::kOpenAtDetach);
  clients_.erase(clients_.begin() + static_cast<ptrdiff_t>(index));
}

void Drawer::leave() {
  if (clients_.empty()) return;
  const size_t index = dice_.below(clients_.size());
  const bool open = std::any_of(clients_[index].open.begin(), clients_[index].open.end(),
                                [](const auto& calls) { return !calls.empty(); });
  // Open calls at a goodbye make the log incomplete, which is to be rare.
  if (clients_[index].attached && !dice_.one_in(4) && (!open || dice_.one_in(10))) return detach(index);
  lose(index, static_cast<uint32_t>(dice_.from_to(1, 3)));
}

void Drawer::break_ring() {
  Client* c = somebody_attached();
  if (c == nullptr) return;
  const size_t ring = dice_.below(c->cut.size());
  if (c->cut[ring]) return;
  c->cut[ring] = true;
  added(log().seal_broken(c->test, c->test.rings[ring].id(), c->test.rings[ring].next,
                          static_cast<uint32_t>(dice_.from_to(1, 6))));
  note(FindingId::kSealBroken);
}

// carry: the TPM was busy while the last frames were written.
void Drawer::carry() {
  const uint64_t last = log().chain.frame_seq - 1;
  if (last > settled()) log().next_carries = static_cast<uint32_t>(dice_.from_to(1, last - settled()));
}

// not_carried: this frame or the nearest before it whose head went into the PCR.
uint64_t Drawer::not_carried(uint64_t frame) const {
  while (frame > anchor_from_ && clean_.log.pcrs[frame] == clean_.log.pcrs[frame - 1]) --frame;
  return frame;
}

void Drawer::anchor() {
  AnchorEdits edits;
  const uint64_t last = log().chain.frame_seq - 1;
  const uint64_t named = dice_.one_in(3) ? not_carried(dice_.from_to(anchor_from_, last)) : last;
  edits.frame_seq = named;
  log().next_carries = static_cast<uint32_t>(std::min<uint64_t>(log().next_carries, last - named));
  const bool restarted = dice_.one_in(60);
  if (restarted) ++log().tpm.identity.restart_count;
  const uint64_t frame = log().anchor(edits);
  anchor_from_ = named;
  unexplained_since_anchor_ = false;
  now_.nv_value = log().tpm.nv_value;
  if (now_.ended && !now_.covered) {
    const auto end = std::find_if(log().frames.rbegin(), log().frames.rend(),
                                  [](const TestFrame& f) { return f.type == FrameType::kEnd; });
    now_.covered = named >= static_cast<uint64_t>(log().frames.rend() - end) - 1;
  }
  if (!barrier_) {
    uint64_t records = 0;
    for (uint64_t i = 0; i <= named; ++i) records += log().frames[i].records.size();
    now_.proved = records;
  }
  added(frame);
  if (restarted) note(FindingId::kRestartUnrecorded);
}

void Drawer::unexplained() {
  log().next_carries = 0;
  const Digest expected = log().tpm.pcr;
  Digest foreign;
  dice_.fill(foreign);
  log().tpm.extend(foreign);
  barrier_ = unexplained_since_anchor_ = true;
  anchor_from_ = log().unexplained(expected, log().tpm.pcr);
  added(anchor_from_);
  note(FindingId::kUnexplainedExtend);
}

void Drawer::change_segment() {
  if (log().next_in_new_segment) return;
  if (dice_.one_in(3) || now_.ended)
    log().next_in_new_segment = true;
  else
    added(log().segment_seal(static_cast<uint32_t>(dice_.from_to(1, 3))));
}

// start: a counter that is one ahead of the log is settled by an anchor at once.
void Drawer::start(FrameType type, bool reset) {
  const bool clean = now_.covered;
  const bool device = log().tpm.identity.kind == 2;
  const bool ahead = !clean && !unexplained_since_anchor_ && dice_.one_in(6);
  const bool jump = !ahead && reset && !clean && device && dice_.one_in(4);
  if (ahead) ++log().tpm.nv_value;
  if (jump) log().tpm.nv_value += dice_.from_to(2, 200);
  if (jump) now_.nv_value = log().tpm.nv_value;
  const bool behind = !reset && !ahead && dice_.one_in(4);
  const uint64_t last = log().pcrs.size() - 1;
  const uint64_t in_pcr = behind ? not_carried(dice_.from_to(settled(), last)) : last;
  const Digest seen = behind ? log().pcrs[in_pcr] : log().tpm.pcr;
  const uint64_t waiting = type == FrameType::kRecovery ? last - in_pcr : 0;
  log().next_carries = static_cast<uint32_t>(std::min<uint64_t>(log().next_carries, waiting));
  if (reset && !clean) barrier_ = true;
  now_.ended = now_.covered = false;
  const uint64_t frame = log().start(type, [&](Start& s) {
    s.pcr_value = seen;
    dice_.fill(s.boot_id);
    if (type == FrameType::kRecovery) s.torn_bytes = dice_.below(500);
    if (s.torn_bytes != 0) dice_.fill(s.torn_digest);
  });
  if (reset) anchor_from_ = frame;
  in_pcr_ = type == FrameType::kBoot ? frame : in_pcr;
  added(frame);
  if (ahead) note(FindingId::kAnchorLost);
  if (jump) note(FindingId::kNvJump);
  if (type == FrameType::kRecovery) note(FindingId::kRecovered);
  if (reset && !clean) note(FindingId::kUncleanReset);
  if (!ahead) return;
  if (dice_.one_in(2)) --log().tpm.nv_value;
  anchor();
}

void Drawer::come_back() {
  for (Client& c : clients_) c.attached = false;
  for (size_t i = clients_.size(); i-- > 0;) {
    const uint64_t what = dice_.below(8);
    const bool may_return = !clients_[i].cut_off();
    if (what == 0 || (what < 4 && !may_return)) {
      lose(i, 3);
    } else if (what > 2 && may_return) {
      added(log().reattach(clients_[i].test));
      clients_[i].attached = true;
    }
  }
}

void Drawer::recovery() {
  start(FrameType::kRecovery, false);
  if (dice_.one_in(2)) added(log().clock());
  come_back();
}

void Drawer::tpm_reset(bool writer_goes_on) {
  const bool new_firmware = dice_.one_in(10), gap = dice_.one_in(20);
  log().tpm.reset(dice_.one_in(2));
  if (gap) ++log().tpm.identity.reset_count;
  if (new_firmware) ++log().tpm.identity.firmware;
  dice_.fill(log().tpm.pcr);
  const uint64_t frame = log().chain.frame_seq;
  start(FrameType::kBoot, true);
  if (gap) clean_.planned.push_back({FindingId::kResetGap, frame});
  if (new_firmware) clean_.planned.push_back({FindingId::kFirmwareChanged, frame});
  if (!writer_goes_on) come_back();
}

void Drawer::end() {
  added(log().end(static_cast<uint32_t>(dice_.from_to(1, 2))));
  now_.ended = true;
  now_.covered = false;
  clean_.moments.back() = now_;
  if (dice_.one_in(6)) return;
  anchor();
  while (!now_.covered) anchor();
  if (dice_.one_in(10)) anchor();
}

void Drawer::next_life() {
  if (dice_.one_in(3)) change_segment();
  if (now_.ended && dice_.one_in(2)) return tpm_reset(false);
  if (!now_.ended) return recovery();
  start(FrameType::kBoot, false);
  come_back();
}

void Drawer::step() {
  if (dice_.one_in(4)) carry();
  switch (dice_.below(24)) {
    case 0:
    case 1:
    case 2:
      return attach();
    case 3:
      return leave();
    case 4:
    case 5:
    case 6:
      return anchor();
    case 7:
      return added(log().clock());
    case 8:
    case 9:
      return change_segment();
    case 10:
      return dice_.one_in(8) ? break_ring() : records();
    case 11:
      return dice_.one_in(12) ? unexplained() : records();
    case 12:
      return dice_.one_in(12) ? tpm_reset(true) : records();
    case 13:
      return dice_.one_in(3) ? recovery() : records();
    default:
      return records();
  }
}

CleanLog Drawer::run() {
  genesis();
  const uint64_t lives = dice_.from_to(1, 3);
  for (uint64_t life = 0; life < lives; ++life) {
    if (life > 0) next_life();
    if (!dice_.one_in(5)) added(log().clock());
    attach();
    for (uint64_t i = dice_.from_to(2, 14); i > 0; --i) step();
    const bool last = life + 1 == lives;
    if (last && shape_ == Shape::kRunning) break;
    if (last && dice_.one_in(4)) break;
    if (!last && dice_.one_in(3)) continue;
    while (!clients_.empty() && !dice_.one_in(8)) leave();
    end();
  }
  log().next_carries = 0;
  return std::move(clean_);
}

}  // namespace

CleanLog draw_clean_log(uint64_t seed, Shape shape, uint8_t key) { return Drawer(seed, shape, key).run(); }

Findings findings_of(const CleanLog& clean, size_t frames) {
  Findings out;
  for (const Planned& p : clean.planned)
    if (p.frame < frames) out.insert(p.id);
  const Moment& last = clean.moments.at(frames - 1);
  if (!last.ended) out.insert(FindingId::kNoEnd);
  if (last.ended && !last.covered) out.insert(FindingId::kEndUnanchored);
  return out;
}

Findings findings_of(const CleanLog& clean) { return findings_of(clean, clean.moments.size()); }

int code_of(const Findings& findings) {
  for (const int code : {verify::kExitTampered, verify::kExitUndecided, verify::kExitIncomplete})
    if (std::ranges::any_of(findings, [&](FindingId id) { return verify::finding_row(id).exit_code == code; }))
      return code;
  return verify::kExitVerified;
}

}  // namespace cm::audit::test
