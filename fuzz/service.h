// SPDX-License-Identifier: Apache-2.0
// service.h: what the targets over the C interface share: the reader of an input, the memory of a call, and the module
// in the state that services need. The module is a copy that records nothing (bench/null_ring.cpp): a campaign would
// spend itself on audit records.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "cryptomod/cryptomod.h"

namespace cm::fuzz {

using Bytes = std::vector<uint8_t>;

[[noreturn]] void fail(const char* what);
inline void require(bool holds, const char* what) {
  if (!holds) fail(what);
}

// Input: the fuzzer's bytes as choices. Behind their end every choice is 0, which stands for what is usual, or they
// begin again.
enum class AtEnd : uint8_t { kUsual, kAgain };
class Input {
 public:
  Input(const uint8_t* data, size_t size, AtEnd at_end = AtEnd::kUsual) : data_(data), size_(size), at_end_(at_end) {}
  uint8_t byte() {
    if (at_ == size_ && at_end_ == AtEnd::kAgain) at_ = 0;
    return at_ < size_ ? data_[at_++] : uint8_t{0};
  }
  bool rare() { return byte() >= 0xe0; }
  // size: small in half of all cases, else up to most.
  size_t size(size_t most);
  // bytes: as they stand.
  Bytes bytes(size_t size);
  // noise: bytes whose values do not matter, so that a short input describes a long text.
  Bytes noise(size_t size);

 private:
  const uint8_t* data_;
  size_t size_, at_ = 0;
  AtEnd at_end_;
  uint64_t noise_ = 0x9e3779b97f4a7c15u;
};

// Texts: input and output of a call, apart, in place or overlapping, at any alignment. The address sanitizer sees what
// is read or written outside of them, only_output_changed what is written between.
class Texts {
 public:
  Texts(Input& input, const Bytes& in, size_t capacity);
  const uint8_t* in() const { return memory_[0].data() + in_at_; }
  uint8_t* out() { return memory_[apart_ ? 1 : 0].data() + out_at_; }
  // overlapping: whether an output of this size overlaps the input other than in place.
  bool overlapping(size_t out_size) const;
  // only_output_changed: whether all is as before except the first bytes of the output.
  bool only_output_changed(size_t written) const;
  bool output_is(const Bytes& expected) const;
  bool output_is_zero(size_t size) const { return output_is(Bytes(size)); }
  bool same_as(const Texts& other) const { return memory_[0] == other.memory_[0] && memory_[1] == other.memory_[1]; }

 private:
  bool apart_;
  size_t in_at_, in_size_, out_at_;
  Bytes memory_[2];
  Bytes before_[2];
};

// session: of the module, which is started at the first call.
cm_session session();

// start_case: a session, and the lanes that the input chooses.
cm_session start_case(Input& input);
// end_case: everything that was made must be gone.
void end_case();

cm_key_params key_params(uint32_t algorithm);

// Key: destroyed at the end, unless that was done before.
class Key {
 public:
  // Imports raw, and makes sure that the module takes it.
  Key(const cm_key_params& params, const Bytes& raw);
  Key(Key&& other) noexcept : key_(other.key_), is_live_(other.is_live_) { other.is_live_ = false; }
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  Key& operator=(Key&&) = delete;
  ~Key() { destroy(); }
  cm_key get() const { return key_; }  // also when it is gone
  void destroy();

 private:
  cm_key key_{};
  bool is_live_ = true;
};

// any_raw_key: of any size that the algorithm takes.
Bytes any_raw_key(Input& input, uint32_t algorithm);

}  // namespace cm::fuzz
