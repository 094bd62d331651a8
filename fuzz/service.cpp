// SPDX-License-Identifier: Apache-2.0
// service.cpp: see service.h.
#include "fuzz/service.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "crypto/module/key_algorithms.h"
#include "fuzz/lane_choice.h"

namespace cm::fuzz {

void fail(const char* what) {
  std::fprintf(stderr, "FINDING: %s\n", what);
  std::abort();
}

// ---- input

size_t Input::size(size_t most) {
  const size_t low = byte();
  if (low < 0x80) return std::min(low, most);
  return ((low & 0x7f) << 8 | byte()) % (most + 1);
}

Bytes Input::bytes(size_t size) {
  Bytes out(size);
  for (uint8_t& b : out) b = byte();
  return out;
}

Bytes Input::noise(size_t size) {
  Bytes out(size);
  noise_ += byte();
  for (uint8_t& b : out) {
    noise_ = noise_ * 6364136223846793005u + 1442695040888963407u;
    b = static_cast<uint8_t>(noise_ >> 56);
  }
  return out;
}

// ---- memory

Texts::Texts(Input& input, const Bytes& in, size_t capacity) {
  constexpr uint8_t kFill = 0xa5;
  const uint8_t layout = input.byte(), place = input.byte();
  apart_ = layout < 0x80;
  in_at_ = place % 16;
  in_size_ = in.size();
  out_at_ = apart_ ? place / 16 : in_at_;
  if (layout >= 0xe0) (layout % 2 == 0 ? out_at_ : in_at_) += size_t{layout} % 0x20 + 1;
  for (Bytes& memory : memory_) memory.reserve(1);  // never null, which is an error of its own
  const size_t in_end = in_at_ + in.size(), out_end = out_at_ + capacity;
  memory_[0].assign(apart_ ? in_end : std::max(in_end, out_end), kFill);
  memory_[1].assign(apart_ ? out_end : 0, kFill);
  std::copy(in.begin(), in.end(), memory_[0].begin() + static_cast<std::ptrdiff_t>(in_at_));
  for (int i = 0; i < 2; ++i) before_[i] = memory_[i];
}

bool Texts::overlapping(size_t out_size) const {
  if (apart_ || in_at_ == out_at_ || in_size_ == 0 || out_size == 0) return false;
  return in_at_ < out_at_ ? out_at_ - in_at_ < in_size_ : in_at_ - out_at_ < out_size;
}

bool Texts::only_output_changed(size_t written) const {
  for (int i = 0; i < 2; ++i) {
    const bool holds_output = (i == 1) == apart_;
    for (size_t at = 0; at < memory_[i].size(); ++at) {
      const bool is_output = holds_output && at >= out_at_ && at - out_at_ < written;
      if (!is_output && memory_[i][at] != before_[i][at]) return false;
    }
  }
  return true;
}

bool Texts::output_is(const Bytes& expected) const {
  const Bytes& memory = memory_[apart_ ? 1 : 0];
  return memory.size() >= out_at_ + expected.size() &&
         std::equal(expected.begin(), expected.end(), memory.begin() + static_cast<std::ptrdiff_t>(out_at_));
}

// ---- the module

cm_session session() {
  static const cm_session opened = [] {
    cm_init_params params{};
    params.struct_size = sizeof params;
    params.audit_dir = "unused";
    require(cm_init(&params) == CM_OK, "the module does not start");
    cm_session made{};
    require(cm_session_open(&made, CM_ROLE_USER) == CM_OK, "no session");
    return made;
  }();
  return opened;
}

cm_session start_case(Input& input) {
  const cm_session s = session();
  cm_fuzz_choose_lanes(input.byte());
  return s;
}

void end_case() {
  cm_status_info info{};
  info.struct_size = sizeof info;
  require(cm_status(&info) == CM_OK && info.state == CM_STATE_OPERATIONAL, "the module has left its state");
  require(info.keys_in_use == 0, "a key was left behind");
}

cm_key_params key_params(uint32_t algorithm) {
  cm_key_params params{};
  params.struct_size = sizeof params;
  params.algorithm = algorithm;
  return params;
}

Key::Key(const cm_key_params& params, const Bytes& raw) {
  require(CM_SUCCEEDED(cm_key_import(session(), &key_, &params, raw.data(), raw.size())), "a key is refused");
}

void Key::destroy() {
  if (is_live_) require(cm_key_destroy(session(), key_) == CM_OK, "a key is not destroyed");
  is_live_ = false;
}

namespace {

size_t any_key_size(Input& input, uint32_t algorithm) {
  const size_t choice = input.byte();
  if (key_algorithm(algorithm)->sizes == KeySizes::kMac) return choice < 0x80 ? 1 + choice : 512 - choice % 0x80;
  switch (algorithm) {
    case CM_ALG_AES_XTS:
      return choice % 2 == 0 ? 32 : 64;
    case CM_ALG_CHACHA20_POLY1305:
      return 32;
    case CM_ALG_AES_GCM_SIV:
      return choice % 2 == 0 ? 16 : 32;
    default:
      return 16 + choice % 3 * 8;
  }
}

}  // namespace

Bytes any_raw_key(Input& input, uint32_t algorithm) { return input.noise(any_key_size(input, algorithm)); }

}  // namespace cm::fuzz
