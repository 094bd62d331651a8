// SPDX-License-Identifier: Apache-2.0
// log_scan.cpp: see log_scan.h.
#include "audit/writer/log_scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "audit/parallel_hash.h"
#include "audit/torn_write.h"
#include "audit/writer/log_store.h"
#include "crypto/sha2/sha256.h"

namespace cm::audit {
namespace {

constexpr uint64_t kMaxFrameSize = frame_size(kMaxVarSize, kMaxFrameRecords);
// Frames are read some ahead, so that their hashes are computed side by side; but not for more than so many bytes.
constexpr size_t kAheadFrames = 64;
constexpr size_t kAheadBytes = 1u << 20;
constexpr size_t kFirstRead = 1024;  // header and variable section of nearly every frame
constexpr char kAdvice[] =
    "; nothing was changed. Keep the directory as it is, run cryptomod-audit verify on it, and begin a new log "
    "elsewhere";

bool read_exactly(int fd, uint64_t offset, void* out, size_t size) {
  auto* p = static_cast<uint8_t*>(out);
  while (size > 0) {
    const ssize_t n = pread(fd, p, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    p += n;
    offset += static_cast<uint64_t>(n);
    size -= static_cast<size_t>(n);
  }
  return true;
}

Error count_segments(int dir_fd, uint32_t& count) {
  const int copy = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  std::unique_ptr<DIR, int (*)(DIR*)> dir(copy < 0 ? nullptr : fdopendir(copy), closedir);
  if (!dir) return system_error("cannot list the log directory");
  std::vector<std::string> names;
  while (const dirent* entry = readdir(dir.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  for (size_t i = 0; i < names.size(); ++i)
    if (names[i] != segment_name(static_cast<uint32_t>(i)))
      return {"the log directory holds " + names[i] + " where " + segment_name(static_cast<uint32_t>(i)) +
              " is expected; a log is gapless segments and nothing else" + kAdvice};
  count = static_cast<uint32_t>(names.size());
  return {};
}

// open_segment: for reading; a closed segment's mode allows no more.
Error open_segment(int dir_fd, uint32_t segment, UniqueFd& fd, uint64_t& size) {
  struct stat info;
  fd.reset(openat(dir_fd, segment_name(segment).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid() || fstat(fd.get(), &info) != 0) return system_error("cannot open " + segment_name(segment));
  if (!S_ISREG(info.st_mode)) return {segment_name(segment) + " is not a plain file"};
  size = static_cast<uint64_t>(info.st_size);
  return {};
}

bool header_plausible(const FrameHeader& h) {
  return h.magic == kFrameMagic && h.version == kFormatVersion && carried_plausible(h) && h.var_size <= kMaxVarSize &&
         h.var_size % kFrameAlign == 0 && h.record_count <= kMaxFrameRecords;
}

class Scanner {
 public:
  Scanner(int dir_fd, Lane lane, LogState& state) : dir_fd_(dir_fd), lane_(lane), state_(state) {}

  Error run();

 private:
  // Ahead: a frame that was read and not yet looked at: all of it where it is to be checked, else the beginning.
  struct Ahead {
    FrameHeader header;
    Bytes bytes;
    bool check = false;
    size_t head_job = 0, records_job = 0;  // in jobs_

    uint64_t size() const { return frame_size(header.var_size, header.record_count); }
    std::span<const uint8_t> var() const { return std::span(bytes).subspan(sizeof header, header.var_size); }
  };

  Error scan_segment(uint32_t segment, bool last);
  void read_ahead();
  bool read_frame(uint64_t offset, Ahead& out);
  void hash_ahead();
  bool frame_is_whole(const Ahead& frame) const;
  Error apply(const Ahead& frame);
  Error apply_payload(const FrameHeader& header, std::span<const uint8_t> var);
  Error apply_genesis(std::span<const uint8_t> var);
  Error apply_start(std::span<const uint8_t> var);
  Error apply_attach(const FrameHeader& header, std::span<const uint8_t> var);
  Error apply_batch(const FrameHeader& header, std::span<const uint8_t> var);
  bool drop_client(const std::array<uint8_t, kIdSize>& id);
  Error cut_torn_tail(uint64_t offset);
  Error refuse(const std::string& what) const;

  const int dir_fd_;
  const Lane lane_;
  LogState& state_;
  UniqueFd file_;
  uint32_t segment_ = 0;
  uint64_t size_ = 0;     // of the segment
  uint64_t offset_ = 0;   // of the frame at hand
  uint64_t end_seq_ = 0;  // of the newest end frame
  std::vector<Ahead> ahead_;
  std::vector<HashJob> jobs_;
};

Error Scanner::refuse(const std::string& what) const {
  return {segment_name(segment_) + " at byte " + std::to_string(offset_) + ": " + what + kAdvice};
}

Error Scanner::run() {
  uint32_t count = 0;
  if (Error error = count_segments(dir_fd_, count)) return error;
  for (uint32_t i = 0; i < count; ++i)
    if (Error error = scan_segment(i, i + 1 == count)) return error;
  return {};
}

Error Scanner::scan_segment(uint32_t segment, bool last) {
  segment_ = segment;
  offset_ = 0;
  if (Error error = open_segment(dir_fd_, segment, file_, size_)) return error;
  while (offset_ < size_) {
    read_ahead();
    bool whole = !ahead_.empty();
    for (const Ahead& frame : ahead_) {
      whole = !frame.check || frame_is_whole(frame);
      if (!whole) break;
      if (Error error = apply(frame)) return error;
      offset_ += frame.size();
    }
    if (!whole) return last ? cut_torn_tail(offset_) : refuse("there is no whole frame");
  }
  if (size_ == 0) return last ? cut_torn_tail(0) : refuse("the segment is empty");
  state_.segment = segment;
  state_.segment_size = size_;
  return {};
}

// read_ahead: the frames from offset_ on, as far as they can be cut; none when there is no frame.
void Scanner::read_ahead() {
  ahead_.clear();
  size_t bytes = 0;
  for (uint64_t offset = offset_; offset < size_ && ahead_.size() < kAheadFrames && bytes < kAheadBytes;) {
    Ahead frame;
    if (!read_frame(offset, frame)) break;
    offset += frame.size();
    bytes += frame.bytes.size();
    ahead_.push_back(std::move(frame));
  }
  hash_ahead();
}

bool Scanner::read_frame(uint64_t offset, Ahead& out) {
  FrameHeader& header = out.header;
  const uint64_t left = size_ - offset;
  if (left < sizeof header) return false;
  Bytes& bytes = out.bytes;
  bytes.resize(std::min<uint64_t>(kFirstRead, left));
  if (!read_exactly(file_.get(), offset, bytes.data(), bytes.size())) return false;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (!header_plausible(header) || out.size() > left) return false;
  // Frames without records cost little and say who the clients are; of batches only the last can be torn.
  out.check = header.record_count == 0 || out.size() == left;
  const size_t have = bytes.size();
  bytes.resize(out.check ? out.size() : sizeof header + header.var_size);
  return have >= bytes.size() || read_exactly(file_.get(), offset + have, bytes.data() + have, bytes.size() - have);
}

void Scanner::hash_ahead() {
  jobs_.clear();
  for (Ahead& frame : ahead_) {
    frame.head_job = jobs_.size();
    jobs_.push_back({std::span(frame.bytes).first(sizeof frame.header), {}, {}, false});
    if (!frame.check) continue;
    frame.records_job = jobs_.size();
    jobs_.push_back(frame_jobs(frame.bytes, frame.header.var_size, frame.header.record_count).records);
  }
  hash_jobs(lane_, best_wide_sha256_lane(), jobs_);
}

// frame_is_whole: everything in the frame is as it was written: a crash may leave a file with its full length and pages
// that never reached the disk.
bool Scanner::frame_is_whole(const Ahead& frame) const {
  const Bytes& bytes = frame.bytes;
  FrameTail tail;
  std::memcpy(&tail, bytes.data() + bytes.size() - sizeof tail, sizeof tail);
  if (tail.magic != kTailMagic || tail.frame_size != bytes.size()) return false;
  if (tail.crc32c != crc32c({bytes.data(), bytes.size() - sizeof tail})) return false;
  return std::memcmp(jobs_[frame.records_job].digest.data(), frame.header.records_digest, kDigestSize) == 0;
}

Error Scanner::apply(const Ahead& frame) {
  const FrameHeader& header = frame.header;
  ChainPosition& at = state_.position;
  if (!state_.exists) {
    if (header.type != static_cast<uint16_t>(FrameType::kGenesis)) return refuse("the log does not begin with genesis");
    std::memcpy(at.log_id.data(), header.log_id, kIdSize);
  }
  if (std::memcmp(header.log_id, at.log_id.data(), kIdSize) != 0) return refuse("the frame belongs to another log");
  if (header.frame_seq != at.next_frame_seq || header.first_record != at.next_record)
    return refuse("frame " + std::to_string(at.next_frame_seq) + " is expected and is not there");
  if (std::memcmp(header.prev_head, at.prev_head.data(), kDigestSize) != 0)
    return refuse("the chain is broken: the frame before is not the one this frame was made after");
  at.prev_head = jobs_[frame.head_job].digest;
  at.next_frame_seq += 1;
  at.next_record += header.record_count;
  state_.exists = true;
  state_.last_time_ns = header.type == static_cast<uint16_t>(FrameType::kAnchor)
                            ? std::max(state_.last_time_ns, header.writer_time_ns)
                            : header.writer_time_ns;
  if (Error error = apply_payload(header, frame.var())) return error;
  if (!state_.tpm.extend(header, at.prev_head)) return refuse("a frame carries others that it cannot carry");
  return {};
}

Error Scanner::apply_payload(const FrameHeader& header, std::span<const uint8_t> var) {
  const auto type = static_cast<FrameType>(header.type);
  if (type != FrameType::kBatch && header.record_count != 0) return refuse("records stand where none may be");
  if (offset_ == 0) {
    state_.segment_time_ns = header.writer_time_ns;
    state_.segment_closed = false;
  } else if (state_.segment_closed) {
    return refuse("the segment goes on behind its seal");
  }
  if (type == FrameType::kEnd) end_seq_ = header.frame_seq;
  if (type != FrameType::kAnchor) {
    // An end frame stays one when the PCR was found changed behind it.
    if (type != FrameType::kUnexplainedExtend) state_.ended = type == FrameType::kEnd;
    state_.unanchored = true;
  }
  switch (type) {
    case FrameType::kGenesis:
      return apply_genesis(var);
    case FrameType::kBoot:
    case FrameType::kRecovery:
      return apply_start(var);
    case FrameType::kClock: {
      Clock clock;
      if (!decode(var, clock)) return refuse("malformed clock frame");
      state_.clock_generation = clock.generation;
      return {};
    }
    case FrameType::kClientAttach:
      return apply_attach(header, var);
    case FrameType::kClientDetach: {
      ClientDetach detach;
      if (!decode(var, detach) || !drop_client(detach.client_id)) return refuse("malformed client-detach frame");
      return {};
    }
    case FrameType::kClientLost: {
      ClientLost lost;
      if (!decode(var, lost) || !drop_client(lost.client_id)) return refuse("malformed client-lost frame");
      return {};
    }
    case FrameType::kBatch:
      return apply_batch(header, var);
    case FrameType::kAnchor: {
      Anchor anchor;
      if (!decode(var, anchor) || anchor.anchored_seq >= header.frame_seq) return refuse("malformed anchor frame");
      if (state_.tpm.pcr().find(anchor.anchored_seq) == nullptr) return refuse("an anchor of no frame that has one");
      state_.tpm.anchor(anchor, times_of(anchor));
      if (state_.ended && state_.tpm.covers(end_seq_)) state_.tpm.end_covered();
      state_.unanchored = anchor.anchored_seq + 1 != header.frame_seq;
      return {};
    }
    case FrameType::kUnexplainedExtend: {
      UnexplainedExtend unexplained;
      if (!decode(var, unexplained)) return refuse("malformed unexplained-extend frame");
      state_.tpm.unexplained(unexplained);
      return {};
    }
    case FrameType::kSealBroken: {
      SealBroken broken;
      if (!decode(var, broken)) return refuse("malformed seal-broken frame");
      for (auto& [first_ring, client] : state_.clients)
        if (client.attach.client_id == broken.client_id) client.cut_off = true;
      return {};
    }
    case FrameType::kSegmentSeal: {
      SegmentSeal seal;
      if (!decode(var, seal) || seal.segment != segment_ || seal.bytes != offset_)
        return refuse("malformed segment-seal frame");
      state_.segment_closed = true;
      return {};
    }
    case FrameType::kEnd:
      return {};
  }
  return refuse("frame type " + std::to_string(header.type) + " is not known to this version");
}

Error Scanner::apply_genesis(std::span<const uint8_t> var) {
  if (state_.position.next_frame_seq != 1 || !decode(var, state_.genesis)) return refuse("malformed genesis frame");
  state_.genesis_head = state_.position.prev_head;
  state_.tpm.genesis(state_.genesis);
  return {};
}

Error Scanner::apply_start(std::span<const uint8_t> var) {
  Start start;
  if (!decode(var, start)) return refuse("malformed boot or recovery frame");
  state_.tpm.start(start);
  return {};
}

Error Scanner::apply_attach(const FrameHeader& header, std::span<const uint8_t> var) {
  ClientAttach attach;
  if (!decode(var, attach)) return refuse("malformed client-attach frame");
  state_.ever_attached = true;
  const uint64_t end = uint64_t{attach.first_ring_id} + attach.ring_count;
  const auto found = state_.clients.find(attach.first_ring_id);
  if (attach.reattached != 0) {
    if (found == state_.clients.end() || found->second.attach.client_id != attach.client_id ||
        found->second.attach.ring_count != attach.ring_count)
      return refuse("a client came back that was not attached");
    found->second.attach = attach;
    return {};
  }
  if (attach.first_ring_id < state_.next_ring_id || attach.ring_count == 0)
    return refuse("ring numbers of a client were given before");
  state_.next_ring_id = end;
  LoggedClient& client = state_.clients[attach.first_ring_id];
  client.attach = attach;
  client.attach_seq = header.frame_seq;
  client.next_seq.assign(attach.ring_count, 0);
  client.calls.resize(attach.ring_count);
  client.attach_segment = segment_;
  client.attach_offset = offset_;
  return {};
}

Error Scanner::apply_batch(const FrameHeader& header, std::span<const uint8_t> var) {
  Batch batch;
  if (!decode(var, batch)) return refuse("malformed batch frame");
  uint64_t records = 0;
  for (const RingMark& mark : batch.marks) {
    auto client = state_.clients.upper_bound(mark.ring_id);
    if (client == state_.clients.begin()) return refuse("a batch names a ring that no client has");
    --client;
    const uint64_t index = mark.ring_id - client->first;
    if (index >= client->second.next_seq.size()) return refuse("a batch names a ring that no client has");
    if (client->second.next_seq[index] != mark.first_seq) return refuse("records of a ring are missing or doubled");
    client->second.next_seq[index] += mark.count;
    records += mark.count;
  }
  if (records != header.record_count) return refuse("a batch's marks do not fit its records");
  return {};
}

bool Scanner::drop_client(const std::array<uint8_t, kIdSize>& id) {
  return std::erase_if(state_.clients, [&](const auto& row) { return row.second.attach.client_id == id; }) == 1;
}

// cut_torn_tail: what a writer that died in the middle of its last append may have left: at most one frame, and no
// frame of this log behind it. Whatever else it is, is damage.
Error Scanner::cut_torn_tail(uint64_t offset) {
  const uint64_t torn = size_ - offset;
  if (torn > kMaxFrameSize) return refuse("there is no whole frame and the rest is longer than any frame");
  Bytes bytes(torn);
  if (!read_exactly(file_.get(), offset, bytes.data(), bytes.size())) return system_error("cannot read the torn tail");
  for (size_t at = kFrameAlign; at + sizeof(FrameHeader) <= bytes.size(); at += kFrameAlign) {
    FrameHeader header;
    std::memcpy(&header, bytes.data() + at, sizeof header);
    const bool ours = !state_.exists || std::memcmp(header.log_id, state_.position.log_id.data(), kIdSize) == 0;
    if (header_plausible(header) && ours && header.frame_seq > state_.position.next_frame_seq)
      return refuse("frame " + std::to_string(state_.position.next_frame_seq) + " is damaged and later frames follow");
  }
  if (offset > 0 && state_.segment_closed) return refuse("the segment goes on behind its seal");
  if (!looks_torn(bytes, offset)) return refuse("the last frame is damaged, and not by an interrupted write");
  state_.torn_bytes = torn;
  sha256(lane_, state_.torn_digest.data(), bytes.data(), bytes.size());
  if (!state_.exists) {  // whether it may go is not for us to say
    state_.torn_segment = true;
    return {};
  }
  if (offset > 0) {
    const UniqueFd file(openat(dir_fd_, segment_name(segment_).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (!file.valid() || ftruncate(file.get(), static_cast<off_t>(offset)) != 0 || fsync(file.get()) != 0)
      return system_error("cannot cut off a torn frame");
    state_.segment = segment_;
    state_.segment_size = offset;
    return {};
  }
  if (unlinkat(dir_fd_, segment_name(segment_).c_str(), 0) != 0 || fsync(dir_fd_) != 0)
    return system_error("cannot remove a torn segment");
  return {};
}

// CallReplay: takes the records of batches into the rules again, from the first attach frame that matters on.
class CallReplay {
 public:
  CallReplay(int dir_fd, LogState& state) : dir_fd_(dir_fd), state_(state) {}

  Error run() {
    const auto place = [](const auto& row) { return std::pair(row.second.attach_segment, row.second.attach_offset); };
    const auto first = std::min_element(state_.clients.begin(), state_.clients.end(),
                                        [&](const auto& a, const auto& b) { return place(a) < place(b); });
    if (first == state_.clients.end()) return {};
    auto [segment, offset] = place(*first);
    for (; segment <= state_.segment; ++segment, offset = 0)
      if (Error error = read_segment(segment, offset)) return error;
    return {};
  }

 private:
  Error read_segment(uint32_t segment, uint64_t offset) {
    uint64_t end = 0;
    if (Error error = open_segment(dir_fd_, segment, file_, end)) return error;
    while (offset < end) {
      FrameHeader header;
      if (!read_exactly(file_.get(), offset, &header, sizeof header)) return system_error("cannot read a frame again");
      if (header.type == static_cast<uint16_t>(FrameType::kBatch))
        if (Error error = read_batch(offset + sizeof header, header)) return error;
      offset += frame_size(header.var_size, header.record_count);
    }
    return {};
  }

  Error read_batch(uint64_t offset, const FrameHeader& header) {
    if (header.var_size > kMaxVarSize || header.record_count > kMaxFrameRecords)
      return {"a batch frame has changed since it was read"};
    Bytes var(header.var_size);
    records_.resize(header.record_count);
    Batch batch;
    if (!read_exactly(file_.get(), offset, var.data(), var.size()) || !decode(var, batch) ||
        !read_exactly(file_.get(), offset + var.size(), records_.data(), records_.size() * kRecordSize))
      return {"cannot read a batch frame again"};
    size_t next = 0;
    for (const RingMark& mark : batch.marks) {
      if (mark.count > records_.size() - next) return {"a batch frame has changed since it was read"};
      take_ring(mark, {records_.data() + next, mark.count});
      next += mark.count;
    }
    return {};
  }

  void take_ring(const RingMark& mark, std::span<const Record> records) {
    auto row = state_.clients.upper_bound(mark.ring_id);
    if (row != state_.clients.begin()) --row;
    const bool known = row != state_.clients.end() && mark.ring_id - row->first < row->second.calls.size();
    for (size_t i = 0; i < records.size(); ++i) {
      if (known)
        take_record(row->second, mark.ring_id - row->first, records[i], mark.first_seq + i);
      else if (is_service(records[i]) && closes_session(records[i]))
        state_.sessions.count_close(session_of(records[i]));
    }
  }

  void take_record(LoggedClient& client, uint32_t ring, const Record& r, uint64_t seq) {
    // A writer that knew fewer rules may have written it: the client is not served again.
    if (client.calls[ring].take(r, seq, ring == 0) != CallFault::kNone) client.cut_off = true;
    const SessionId id = session_of(r);
    if (!is_service(r) || same_id(id, SessionId{})) return;
    if (opens_session(r)) static_cast<void>(state_.sessions.open(id, client.attach.client_id));
    if (closes_session(r)) state_.sessions.close(id);
  }

  const int dir_fd_;
  LogState& state_;
  UniqueFd file_;
  std::vector<Record> records_;
};

}  // namespace

Error scan_log(int dir_fd, Lane lane, LogState& out) { return Scanner(dir_fd, lane, out).run(); }

Error replay_calls(int dir_fd, LogState& state) { return CallReplay(dir_fd, state).run(); }

}  // namespace cm::audit
