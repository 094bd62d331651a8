// SPDX-License-Identifier: Apache-2.0
// gcm_siv_oracle.h: AES-GCM-SIV (RFC 8452) as slowly and as plainly as the standard says it, to compare with: the
// system's libcrypto has AES but no GCM-SIV. POLYVAL goes bit by bit.
#pragma once
#include <algorithm>
#include <utility>

#include "tests/support/evp_oracle.h"

namespace cm::test {

// Polyval: RFC 8452 section 3. A block is a polynomial over GF(2); bit i of it (bit i % 8 of byte i / 8) stands at x^i.
class Polyval {
 public:
  explicit Polyval(const Bytes& h) : h_(field(h)) {}

  void update(const Bytes& block) {
    const Element x = field(block);
    s_ = dot({s_.low ^ x.low, s_.high ^ x.high}, h_);
  }
  // padded: all of a string, the last block filled with zeros.
  void padded(const Bytes& text) {
    for (size_t at = 0; at < text.size(); at += 16) {
      Bytes block(text.begin() + static_cast<ptrdiff_t>(at),
                  text.begin() + static_cast<ptrdiff_t>(std::min(at + 16, text.size())));
      block.resize(16);
      update(block);
    }
  }
  Bytes result() const {
    Bytes out(16);
    for (size_t i = 0; i < 8; ++i) {
      out[i] = static_cast<uint8_t>(s_.low >> 8 * i);
      out[8 + i] = static_cast<uint8_t>(s_.high >> 8 * i);
    }
    return out;
  }

 private:
  struct Element {
    uint64_t low, high;
  };

  static Element field(const Bytes& block) {
    Element e{0, 0};
    for (size_t i = 0; i < 8; ++i) {
      e.low |= uint64_t{block.at(i)} << 8 * i;
      e.high |= uint64_t{block.at(8 + i)} << 8 * i;
    }
    return e;
  }

  // over_x: e / x modulo x^128 + x^127 + x^126 + x^121 + 1.
  static Element over_x(Element e) {
    const bool odd = (e.low & 1) != 0;
    Element half{e.low >> 1 | e.high << 63, e.high >> 1};
    if (odd) half.high ^= uint64_t{1} << 63 ^ uint64_t { 1 } << 62 ^ uint64_t { 1 } << 61 ^ uint64_t { 1 } << 56;
    return half;
  }

  // dot: a * b * x^-128; the bit of a at x^i is divided by x as often as is left from i to 128.
  static Element dot(Element a, Element b) {
    Element sum{0, 0};
    for (unsigned i = 0; i < 128; ++i) {
      const uint64_t bit = (i < 64 ? a.low >> i : a.high >> (i - 64)) & 1;
      if (bit != 0) sum = {sum.low ^ b.low, sum.high ^ b.high};
      sum = over_x(sum);
    }
    return sum;
  }

  Element h_, s_{0, 0};
};

// GcmSivOracle: the keys that belong to one nonce (section 4), and what they do.
class GcmSivOracle {
 public:
  GcmSivOracle(const Bytes& key, Bytes nonce) : nonce_(std::move(nonce)) {
    Bytes halves;
    for (uint32_t i = 0; i < (key.size() == 16 ? 4 : 6); ++i) {
      Bytes block = little_endian(i, 4);
      block.insert(block.end(), nonce_.begin(), nonce_.end());
      block = evp_aes("ECB", key, {}, block, true);
      halves.insert(halves.end(), block.begin(), block.begin() + 8);
    }
    authentication_.assign(halves.begin(), halves.begin() + 16);
    encryption_.assign(halves.begin() + 16, halves.end());
  }

  Bytes tag(const Bytes& aad, const Bytes& plain) const {
    Polyval polyval(authentication_);
    polyval.padded(aad);
    polyval.padded(plain);
    Bytes lengths = little_endian(uint64_t{aad.size()} * 8, 8);
    const Bytes text_length = little_endian(uint64_t{plain.size()} * 8, 8);
    lengths.insert(lengths.end(), text_length.begin(), text_length.end());
    polyval.update(lengths);
    Bytes s = polyval.result();
    for (size_t i = 0; i < nonce_.size(); ++i) s[i] ^= nonce_[i];
    s[15] &= 0x7f;
    return evp_aes("ECB", encryption_, {}, s, true);
  }

  // crypt: CTR from the tag on, either way.
  Bytes crypt(const Bytes& tag, const Bytes& text) const {
    Bytes counters;
    uint32_t number = 0;
    for (size_t i = 0; i < 4; ++i) number |= uint32_t{tag[i]} << 8 * i;
    for (size_t at = 0; at < text.size(); at += 16, ++number) {
      Bytes block = little_endian(number, 4);
      block.insert(block.end(), tag.begin() + 4, tag.end());
      block[15] |= 0x80;
      counters.insert(counters.end(), block.begin(), block.end());
    }
    Bytes out = evp_aes("ECB", encryption_, {}, counters, true);
    out.resize(text.size());
    for (size_t i = 0; i < out.size(); ++i) out[i] ^= text[i];
    return out;
  }

  Sealed seal(const Bytes& aad, const Bytes& plain) const {
    const Bytes t = tag(aad, plain);
    return {crypt(t, plain), t};
  }

  // secrets of the nonce, for tests that look for them where they should not be.
  const Bytes& authentication() const { return authentication_; }
  const Bytes& encryption() const { return encryption_; }

 private:
  static Bytes little_endian(uint64_t v, size_t size) {
    Bytes out(size);
    for (size_t i = 0; i < size; ++i) out[i] = static_cast<uint8_t>(v >> 8 * i);
    return out;
  }

  Bytes nonce_, authentication_, encryption_;
};

}  // namespace cm::test
