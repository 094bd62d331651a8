// SPDX-License-Identifier: Apache-2.0
// cipher_fuzz: the cipher services, every mode on a lane that the input chooses: a message at once and in pieces of any
// size, sectors, in place, apart and overlapping, with sizes that are wrong. The system's libcrypto says what is right;
// what a context holds back and which sizes are wrong is said again here, from the text of cryptomod.h. A refused call
// must leave memory and context as they were.
//
// Input: choices as service.h reads them: lane, mode, key, IV, text, then what each check asks for.
#include <algorithm>
#include <string>

#include "crypto/module/key_algorithms.h"
#include "fuzz/service.h"
#include "tests/support/evp_oracle.h"

namespace {

using namespace cm::fuzz;  // NOLINT(google-build-using-namespace): the subject of this file

constexpr size_t kBlock = 16;
constexpr size_t kTextMax = 3000;

struct Mode {
  uint32_t algorithm;
  const char* name;      // in libcrypto
  const char* stealing;  // the variant, or null
};
constexpr Mode kModes[] = {
    {CM_ALG_AES_ECB, "ECB", nullptr},       {CM_ALG_AES_CBC, "CBC", nullptr},
    {CM_ALG_AES_CBC_CS1, "CBC-CTS", "CS1"}, {CM_ALG_AES_CBC_CS2, "CBC-CTS", "CS2"},
    {CM_ALG_AES_CBC_CS3, "CBC-CTS", "CS3"}, {CM_ALG_AES_CTR, "CTR", nullptr},
    {CM_ALG_AES_CFB128, "CFB", nullptr},    {CM_ALG_AES_CFB8, "CFB8", nullptr},
    {CM_ALG_AES_OFB, "OFB", nullptr},       {CM_ALG_AES_XTS, "XTS", nullptr},
};
constexpr bool all_modes() {
  size_t next = 0;
  for (const cm::KeyAlgorithmRow& row : cm::kKeyAlgorithms) {
    if (row.usage != cm::kEncryptDecrypt) continue;
    if (next == std::size(kModes) || kModes[next].algorithm != row.algorithm) return false;
    ++next;
  }
  return next == std::size(kModes);
}
static_assert(all_modes(), "a mode of the key table is missing here");

bool holds_blocks(const Mode& m) { return m.algorithm == CM_ALG_AES_ECB || m.algorithm == CM_ALG_AES_CBC; }
bool is_xts(const Mode& m) { return m.algorithm == CM_ALG_AES_XTS; }

bool takes_message(const Mode& m, size_t size) {
  if (holds_blocks(m)) return size % kBlock == 0;
  return size >= kBlock || (m.stealing == nullptr && !is_xts(m));
}

struct Case {
  const Mode* mode;
  Bytes raw, iv, plain, cipher;  // cipher: what libcrypto makes of plain, where the message is one
  bool iv_fits, message_fits;
  bool fits() const { return iv_fits && message_fits; }
};

Case read_case(Input& input) {
  Case c;
  c.mode = &kModes[input.byte() % std::size(kModes)];
  c.raw = any_raw_key(input, c.mode->algorithm);
  const size_t iv_size = c.mode->algorithm == CM_ALG_AES_ECB ? 0 : kBlock;
  c.iv = input.bytes(input.rare() ? input.byte() % 40 : iv_size);
  c.iv_fits = c.iv.size() == iv_size;
  size_t size = input.size(kTextMax);
  if (!input.rare()) {
    if (holds_blocks(*c.mode)) size = size / kBlock * kBlock;
    if (!takes_message(*c.mode, size)) size = kBlock;
  }
  c.plain = input.noise(size);
  c.message_fits = takes_message(*c.mode, size);
  if (c.fits()) c.cipher = cm::test::evp_aes(c.mode->name, c.raw, c.iv, c.plain, true, c.mode->stealing);
  return c;
}

auto one_shot(bool encrypt) { return encrypt ? cm_cipher_encrypt : cm_cipher_decrypt; }

void check_message(Input& input, const Case& c, cm_key key, bool encrypt) {
  const Bytes& in = encrypt || !c.fits() ? c.plain : c.cipher;
  const Bytes& right = encrypt ? c.cipher : c.plain;
  const size_t capacity = input.rare() ? input.size(in.size() + 20) : in.size();
  Texts texts(input, in, capacity);
  const cm_rc rc =
      one_shot(encrypt)(session(), key, c.iv.data(), c.iv.size(), texts.out(), capacity, texts.in(), in.size());
  const bool fits = capacity >= in.size(), apart = !texts.overlapping(in.size());
  if (c.fits() && fits && apart) {
    require(rc == CM_OK, "a message is refused");
    require(texts.output_is(right), "a message is not what libcrypto makes of it");
    require(texts.only_output_changed(in.size()), "written outside the output");
    return;
  }
  require((rc == CM_ERR_LENGTH && !c.fits()) || (rc == CM_ERR_BUFFER_TOO_SMALL && !fits) ||
              (rc == CM_ERR_OVERLAP && !apart),
          "a wrong message has a wrong answer");
  require(texts.only_output_changed(0), "a refused message was written");
}

// ---- contexts

// Stream: a context, and what it should hold back by the rules of cryptomod.h.
class Stream {
 public:
  Stream(const Case& c, cm_key key, bool encrypt) : mode_(*c.mode) {
    require(
        cm_cipher_init(session(), &context_, key, encrypt ? CM_ENCRYPT : CM_DECRYPT, c.iv.data(), c.iv.size()) == CM_OK,
        "no context");
  }
  void update(Input& input, const Bytes& piece) {
    const size_t need = update_size(piece.size());
    if (input.rare()) refused_update(input, piece, need);
    Texts texts(input, piece, need + input.byte() % 4);
    if (texts.overlapping(need)) {
      expect_update(texts, piece, need, CM_ERR_OVERLAP, 0);
      return update(input, piece);
    }
    expect_update(texts, piece, need, CM_OK, need);
    out_.insert(out_.end(), texts.out(), texts.out() + need);
    if (!is_stream()) held_ += piece.size() - need;
  }
  // finish: what the stream gave in all; nothing where the message as a whole does not fit.
  Bytes finish(Input& input, bool fits) {
    if (!fits) {
      refused_final(2 * kBlock, CM_ERR_LENGTH, 0);
      require(cm_cipher_free(session(), context_) == CM_OK, "a context is gone after an error");
      return {};
    }
    const size_t need = mode_.stealing != nullptr ? held_ : 0;
    if (need != 0 && input.rare()) refused_final(input.byte() % need, CM_ERR_BUFFER_TOO_SMALL, need);
    Bytes last(need);
    size_t size = 12345;
    require(cm_cipher_final(session(), context_, last.data(), need, &size) == CM_OK && size == need, "no end");
    require(cm_cipher_free(session(), context_) == CM_ERR_HANDLE, "a context outlives its end");
    out_.insert(out_.end(), last.begin(), last.end());
    return out_;
  }
  // finish_without_key: the key is gone, and the context with it.
  void finish_without_key() {
    Bytes out(2 * kBlock, 0xee);
    size_t size = 12345;
    require(cm_cipher_update(session(), context_, out.data(), out.size(), &size, out.data(), 1) == CM_ERR_HANDLE &&
                size == 0 && out == Bytes(2 * kBlock, 0xee),
            "an update without a key");
    require(cm_cipher_final(session(), context_, out.data(), out.size(), &size) == CM_ERR_HANDLE,
            "an end without a key");
    require(cm_cipher_free(session(), context_) == CM_ERR_HANDLE, "a context without a key");
  }

 private:
  bool is_stream() const { return mode_.stealing == nullptr && !holds_blocks(mode_); }
  size_t update_size(size_t in_size) const {
    const size_t all = held_ + in_size;
    if (is_stream()) return in_size;
    if (mode_.stealing == nullptr) return all / kBlock * kBlock;
    return all <= 2 * kBlock ? 0 : (all - kBlock - 1) / kBlock * kBlock;
  }
  void expect_update(Texts& texts, const Bytes& piece, size_t capacity, cm_rc rc, size_t size) {
    size_t written = 12345;
    require(cm_cipher_update(session(), context_, texts.out(), capacity, &written, texts.in(), piece.size()) == rc,
            "an update has a wrong answer");
    require(written == size, "an update says a wrong size");
    require(texts.only_output_changed(rc == CM_OK ? size : 0), "an update has written outside its output");
  }
  // refused_update: the context must be as before.
  void refused_update(Input& input, const Bytes& piece, size_t need) {
    Texts texts(input, piece, need);
    if (need != 0) expect_update(texts, piece, input.byte() % need, CM_ERR_BUFFER_TOO_SMALL, need);
    size_t written = 12345;
    const cm_rc rc = cm_cipher_update(session(), context_, texts.out(), need, &written, nullptr, piece.size() + 1);
    require(rc == CM_ERR_NULL && written == 0, "an update from nowhere");
  }
  void refused_final(size_t capacity, cm_rc rc, size_t need) {
    Bytes out(capacity, 0xee);
    out.reserve(1);  // never null, which is an error of its own
    size_t size = 12345;
    require(cm_cipher_final(session(), context_, out.data(), capacity, &size) == rc && size == need,
            "an end has a wrong answer");
    require(out == Bytes(capacity, 0xee), "a refused end was written");
  }

  const Mode& mode_;
  cm_cipher context_{};
  size_t held_ = 0;
  Bytes out_;
};

void check_stream(Input& input, const Case& c, cm_key key, bool encrypt) {
  const Bytes& in = encrypt || !c.fits() ? c.plain : c.cipher;
  Stream stream(c, key, encrypt);
  // 64 pieces at most: the last takes what is left.
  for (size_t done = 0, pieces = 0; done < in.size(); ++pieces) {
    const size_t left = in.size() - done, now = pieces == 64 ? left : input.size(left);
    const bool rest = now == 0 && pieces != 0 && !input.rare();
    const auto begin = in.begin() + static_cast<std::ptrdiff_t>(done);
    const Bytes piece(begin, rest ? in.end() : begin + static_cast<std::ptrdiff_t>(now));
    stream.update(input, piece);
    done += piece.size();
  }
  const Bytes out = stream.finish(input, c.message_fits);
  if (c.message_fits) require(out == (encrypt ? c.cipher : c.plain), "pieces are not the whole");
}

void check_no_context(const Case& c, cm_key key) {
  cm_cipher context{1};
  const cm_rc rc = cm_cipher_init(session(), &context, key, CM_ENCRYPT, c.iv.data(), c.iv.size());
  require(rc == (is_xts(*c.mode) ? CM_ERR_USAGE : CM_ERR_LENGTH) && context.v == 0, "a context that must not be");
}

// ---- sectors

cm_rc crypt_sectors(bool encrypt, cm_key key, uint64_t first, size_t sector, Texts& texts, size_t size) {
  const auto run = encrypt ? cm_cipher_encrypt_sectors : cm_cipher_decrypt_sectors;
  return run(session(), key, first, sector, texts.out(), size, texts.in(), size);
}

// sectors_right: one after the other.
Bytes sectors_right(cm_key key, uint64_t first, size_t sector, const Bytes& in, bool encrypt) {
  Bytes out(in.size());
  for (size_t at = 0; at < in.size(); at += sector, ++first) {
    uint8_t tweak[kBlock] = {};
    for (size_t i = 0; i < 8; ++i) tweak[i] = static_cast<uint8_t>(first >> 8 * i);
    require(one_shot(encrypt)(session(), key, tweak, kBlock, out.data() + at, sector, in.data() + at, sector) == CM_OK,
            "a data unit is refused");
  }
  return out;
}

void check_sectors(Input& input, const Case& c, cm_key key, bool encrypt) {
  const size_t sector = input.size(600), count = input.byte() % 70;
  const size_t size =
      std::min<size_t>(sector * count + (input.rare() ? input.byte() : 0), 8192 / (sector + 1) * sector);
  uint64_t first = 0;
  for (const uint8_t b : input.bytes(8)) first = first << 8 | b;
  const Bytes in = input.noise(size);
  Texts texts(input, in, size);
  const cm_rc rc = crypt_sectors(encrypt, key, first, sector, texts, size);
  const bool fits = sector >= kBlock && size % sector == 0;
  const bool counts = !fits || size == 0 || size / sector - 1 <= UINT64_MAX - first;
  const bool apart = !texts.overlapping(size);
  if (is_xts(*c.mode) && fits && counts && apart) {
    require(rc == CM_OK && texts.output_is(sectors_right(key, first, sector, in, encrypt)), "sectors are wrong");
    require(texts.only_output_changed(size), "sectors have written outside the output");
    return;
  }
  const bool usage = rc == CM_ERR_USAGE && !is_xts(*c.mode);
  require(
      usage || (rc == CM_ERR_LENGTH && !fits) || (rc == CM_ERR_ARGUMENT && !counts) || (rc == CM_ERR_OVERLAP && !apart),
      "wrong sectors have a wrong answer");
  require(texts.only_output_changed(usage ? size : 0), "refused sectors were written");
  if (usage) require(texts.output_is_zero(size), "output of a wrong key is not zero");
}

// ---- keys that may not

void check_wrong_keys(Input& input, const Case& c) {
  cm_key_params params = key_params(c.mode->algorithm);
  params.usage = CM_USE_ENCRYPT;
  Key key(params, c.raw);
  for (const cm_rc expected : {CM_ERR_USAGE, CM_ERR_HANDLE}) {
    const cm_key handle = key.get();
    if (expected == CM_ERR_HANDLE) key.destroy();
    Texts texts(input, c.plain, c.plain.size());
    if (texts.overlapping(c.plain.size()) || (!c.iv.empty() && c.iv.size() != kBlock)) continue;
    require(cm_cipher_decrypt(session(), handle, c.iv.data(), c.iv.size(), texts.out(), c.plain.size(), texts.in(),
                              c.plain.size()) == expected,
            "a wrong key has a wrong answer");
    require(texts.output_is_zero(c.plain.size()) && texts.only_output_changed(c.plain.size()),
            "output of a wrong key is not zero");
  }
}

void check_contexts(Input& input, const Case& c, Key& key) {
  if (is_xts(*c.mode) || !c.iv_fits) return check_no_context(c, key.get());
  check_stream(input, c, key.get(), true);
  check_stream(input, c, key.get(), false);
  if (!input.rare()) return;
  Stream stream(c, key.get(), true);
  key.destroy();
  stream.finish_without_key();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  start_case(input);
  const Case c = read_case(input);
  {
    Key key(key_params(c.mode->algorithm), c.raw);
    check_message(input, c, key.get(), true);
    check_message(input, c, key.get(), false);
    if (is_xts(*c.mode) || input.rare()) check_sectors(input, c, key.get(), input.byte() % 2 == 0);
    if (input.rare()) check_wrong_keys(input, c);
    check_contexts(input, c, key);
  }
  end_case();
  return 0;
}
