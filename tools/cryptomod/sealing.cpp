// SPDX-License-Identifier: Apache-2.0
// sealing.cpp: see sealing.h. One chunk is always read ahead: only the end of the input tells which chunk is the last.
#include "tools/cryptomod/sealing.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#include "tools/cryptomod/failure.h"
#include "tools/cryptomod/sealed_format.h"
#include "tools/cryptomod/signals.h"

namespace cm::tool {
namespace {

// kLead: room before the IV that puts the ciphertext, 12 bytes later, on a cache line of its own.
constexpr size_t kAlign = 64;
constexpr size_t kLead = kAlign - kIvSize;
constexpr size_t kBufferSize = (kLead + kSealedChunkSize + kAlign - 1) / kAlign * kAlign;

// ChunkBuffer: room for one sealed chunk. Contents pass through it, so it is wiped at the end.
class ChunkBuffer {
 public:
  ChunkBuffer() : bytes_(static_cast<uint8_t*>(std::aligned_alloc(kAlign, kBufferSize))) {
    if (bytes_ == nullptr) throw std::bad_alloc();
  }
  ~ChunkBuffer() {
    explicit_bzero(bytes_, kBufferSize);
    std::free(bytes_);
  }
  ChunkBuffer(const ChunkBuffer&) = delete;
  ChunkBuffer& operator=(const ChunkBuffer&) = delete;

  std::span<uint8_t> sealed() const { return {bytes_ + kLead, kSealedChunkSize}; }
  std::span<uint8_t> content() const { return {bytes_ + kLead + kIvSize, kChunkSize}; }

 private:
  uint8_t* bytes_;
};

// View: a chunk in place in its buffer.
struct View {
  std::span<uint8_t> sealed;  // IV, ciphertext or content, tag
  std::span<uint8_t> iv;
  std::span<uint8_t> content;
  std::span<uint8_t> tag;

  View(const ChunkBuffer& buffer, size_t content_size)
      : sealed(buffer.sealed().first(content_size + kChunkOverhead)),
        iv(sealed.first(kIvSize)),
        content(sealed.subspan(kIvSize, content_size)),
        tag(sealed.last(kTagSize)) {}
};

// seal_header: a fresh file id, and the tag by which opening tells a wrong key from a damaged chunk.
SealedHeader seal_header(const cryptomod::Session& session, const cryptomod::Key& key) {
  SealedHeader header = begin_header();
  const auto id = header.file_id();
  require(cm_random_bytes(session.handle(), id.data(), id.size()), "cannot draw a file id");
  require(cm_aead_seal(session.handle(), key.handle(), nullptr, 0, header.iv().data(), kIvSize, header.tag().data(),
                       kTagSize, header.fields().data(), kFieldsSize, nullptr, 0),
          "cannot seal the header");
  return header;
}

void seal_chunk(const cryptomod::Session& session, const cryptomod::Key& key, const SealedHeader& header,
                uint64_t number, bool last, const View& v) {
  const auto aad = chunk_aad(header, number, last);
  require(cm_aead_seal(session.handle(), key.handle(), v.content.data(), v.content.size(), v.iv.data(), v.iv.size(),
                       v.tag.data(), v.tag.size(), aad.data(), aad.size(), v.content.data(), v.content.size()),
          "cannot seal a chunk");
}

SealedHeader open_header(const cryptomod::Session& session, const cryptomod::Key& key, Input& in) {
  SealedHeader header;
  const size_t size = in.read(header.bytes);
  switch (check_header(std::span(header.bytes).first(size))) {
    case HeaderProblem::kNone:
      break;
    case HeaderProblem::kNotSealed:
      fail(kExitNotAuthentic, "'{}' is not a file sealed by this tool", in.name());
    case HeaderProblem::kCutShort:
      fail(kExitNotAuthentic, "'{}' is cut short: it ends inside its header, after {} bytes", in.name(), size);
    case HeaderProblem::kNewer:
      fail(kExitNotAuthentic, "'{}' was sealed by a newer version of this tool, or its header is damaged", in.name());
    case HeaderProblem::kReservedNotZero:
      fail(kExitNotAuthentic, "the header of '{}' is damaged (bytes 0..{})", in.name(), kHeaderSize - 1);
  }
  const cm_rc rc = cm_aead_open(session.handle(), key.handle(), nullptr, 0, header.iv().data(), kIvSize,
                                header.tag().data(), kTagSize, header.fields().data(), kFieldsSize, nullptr, 0);
  if (rc == CM_ERR_AUTH)
    fail(kExitNotAuthentic, "this is the wrong key for '{}', or its header (bytes 0..{}) is damaged", in.name(),
         kHeaderSize - 1);
  require(rc, "cannot open the header");
  return header;
}

// authentic: opens the chunk from ciphertext into out; false when it is not the chunk of this number and kind.
bool authentic(const cryptomod::Session& session, const cryptomod::Key& key, const SealedHeader& header,
               uint64_t number, bool last, const View& v, std::span<uint8_t> out) {
  const auto aad = chunk_aad(header, number, last);
  const cm_rc rc = cm_aead_open(session.handle(), key.handle(), out.data(), out.size(), v.iv.data(), v.iv.size(),
                                v.tag.data(), v.tag.size(), aad.data(), aad.size(), v.content.data(), v.content.size());
  if (rc == CM_ERR_AUTH) return false;
  require(rc, "cannot open a chunk");
  return true;
}

std::string chunk_text(uint64_t number, size_t sealed_bytes) {
  const uint64_t begin = chunk_offset(number);
  return fmt::format("chunk {} (bytes {}..{})", number, begin, begin + sealed_bytes - 1);
}

// explain_damage: what became of a chunk that is not authentic. A chunk that is authentic with the other last flag was
// not changed itself: the file goes on, or ends, at the wrong place.
[[noreturn]] void explain_damage(const cryptomod::Session& session, const cryptomod::Key& key,
                                 const SealedHeader& header, uint64_t number, bool last, const View& v,
                                 std::span<uint8_t> out, const Input& in) {
  const std::string chunk = chunk_text(number, v.sealed.size());
  const bool misplaced_end = authentic(session, key, header, number, !last, v, out);
  explicit_bzero(out.data(), out.size());
  if (misplaced_end && last)
    fail(kExitNotAuthentic, "'{}' is cut short: {} is good, but what followed it is missing", in.name(), chunk);
  if (misplaced_end) fail(kExitNotAuthentic, "'{}' is damaged: {} is its end, but more bytes follow", in.name(), chunk);
  fail(kExitNotAuthentic, "damaged {} of '{}'{}", chunk, in.name(),
       last ? "; it is the last one there is, so the file may also be cut short" : "");
}

}  // namespace

uint64_t seal_stream(const cryptomod::Session& session, const cryptomod::Key& key, Input& in, Output& out,
                     Progress& progress) {
  ChunkBuffer buffers[2];
  SealedHeader header = seal_header(session, key);
  out.write(header.bytes);
  uint64_t total = 0;
  size_t size = in.read(buffers[0].content());
  for (uint64_t number = 0;; ++number) {
    check_signals();
    // A short read is the end of the input; asking again could block on a terminal.
    const size_t next = size < kChunkSize ? 0 : in.read(buffers[(number + 1) % 2].content());
    const View chunk(buffers[number % 2], size);
    seal_chunk(session, key, header, number, next == 0, chunk);
    out.write(chunk.sealed);
    total += size;
    progress.advance(size);
    if (next == 0) return total;
    size = next;
  }
}

uint64_t open_stream(const cryptomod::Session& session, const cryptomod::Key& key, Input& in, Output& out,
                     Progress& progress) {
  ChunkBuffer buffers[2];
  ChunkBuffer opened;  // apart from the ciphertext, which explain_damage needs unchanged
  const SealedHeader header = open_header(session, key, in);
  uint64_t total = 0;
  size_t size = in.read(buffers[0].sealed());
  for (uint64_t number = 0;; ++number) {
    check_signals();
    if (size < kChunkOverhead)
      fail(kExitNotAuthentic, "'{}' is cut short: it ends before or inside chunk {} (byte {})", in.name(), number,
           chunk_offset(number) + size);
    const size_t next = size < kSealedChunkSize ? 0 : in.read(buffers[(number + 1) % 2].sealed());
    const bool last = next == 0;
    const View chunk(buffers[number % 2], size - kChunkOverhead);
    const std::span<uint8_t> content = opened.content().first(chunk.content.size());
    if (!authentic(session, key, header, number, last, chunk, content))
      explain_damage(session, key, header, number, last, chunk, content, in);
    if (content.empty() && number != 0)
      fail(kExitNotAuthentic, "'{}' is damaged: {} is empty", in.name(), chunk_text(number, size));
    out.write(content);
    total += content.size();
    progress.advance(content.size());
    if (last) return total;
    size = next;
  }
}

}  // namespace cm::tool
