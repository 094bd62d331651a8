// SPDX-License-Identifier: Apache-2.0
// hash_fuzz: every hash function at once and by contexts of any pieces, with copies that go their own way and output in
// pieces, on a lane that the input chooses, against the system's libcrypto: the definitions of SP 800-185 over its
// Keccak where it has no function of its own; buffers that are too small, calls that come too late, parameters that a
// function does not take.
//
// Input: choices as service.h reads them.
#include <openssl/evp.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>

#include "crypto/hash/hash_function.h"
#include "fuzz/service.h"

namespace {

using namespace cm::fuzz;  // NOLINT(google-build-using-namespace): the subject of this file
using cm::HashKind;

constexpr size_t kTextMax = 6000, kOutMax = 1200, kPieces = 12, kContexts = 4;

// Case: a message in pieces, which are the elements of a tuple where the function has such.
struct Case {
  const cm::HashFunctionRow* row;
  Bytes name, custom;
  size_t block_size;
  std::vector<Bytes> pieces;
  Bytes text;  // all pieces
};

bool is_any(const Case& c, std::initializer_list<HashKind> kinds) {
  return std::find(kinds.begin(), kinds.end(), c.row->kind) != kinds.end();
}
bool has_parameters(const Case& c) { return !is_any(c, {HashKind::kFixed, HashKind::kShake}); }
bool has_blocks(const Case& c) { return is_any(c, {HashKind::kParallel, HashKind::kParallelXof}); }
bool is_tuple(const Case& c) { return is_any(c, {HashKind::kTuple, HashKind::kTupleXof}); }

// ---- what is right: SP 800-185 on strings

Bytes& operator+=(Bytes& all, const Bytes& more) {
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

Bytes by_libcrypto(const std::string& name, const Bytes& text, size_t size) {
  const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> md(EVP_MD_fetch(nullptr, name.c_str(), nullptr), EVP_MD_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  require(md && EVP_DigestInit_ex(context.get(), md.get(), nullptr) == 1 &&
              EVP_DigestUpdate(context.get(), text.data(), text.size()) == 1,
          "libcrypto refuses");
  Bytes out(size);
  const bool fixed = (EVP_MD_get_flags(md.get()) & EVP_MD_FLAG_XOF) == 0;
  require((fixed ? EVP_DigestFinal_ex(context.get(), out.data(), nullptr)
                 : EVP_DigestFinalXOF(context.get(), out.data(), size)) == 1,
          "libcrypto gives nothing");
  return out;
}

// digits: a number, most significant byte first, without leading zeros.
Bytes digits(uint64_t number) {
  Bytes out(1, static_cast<uint8_t>(number));
  while ((number >>= 8) != 0) out.insert(out.begin(), static_cast<uint8_t>(number));
  return out;
}
Bytes left_encode(uint64_t number) {
  Bytes out = digits(number);
  out.insert(out.begin(), static_cast<uint8_t>(out.size()));
  return out;
}
Bytes right_encode(uint64_t number) {
  Bytes out = digits(number);
  out.push_back(static_cast<uint8_t>(out.size()));
  return out;
}
Bytes encode_string(const Bytes& text) {
  Bytes out = left_encode(text.size() * 8);
  return out += text;
}

Bytes cshake(unsigned bits, const Bytes& text, size_t size, const Bytes& name, const Bytes& custom) {
  if (name.empty() && custom.empty()) return by_libcrypto("SHAKE" + std::to_string(bits), text, size);
  const size_t rate = bits == 128 ? 168 : 136;
  Bytes all = left_encode(rate);
  all += encode_string(name);
  all += encode_string(custom);
  all.resize((all.size() + rate - 1) / rate * rate);
  return by_libcrypto("KECCAK-KMAC-" + std::to_string(bits), all += text, size);
}

Bytes ascii(const char* text) {
  const std::string s = text;
  return {s.begin(), s.end()};
}

Bytes parallel_blocks(const Case& c) {
  Bytes all = left_encode(c.block_size);
  size_t count = 0;
  for (size_t at = 0; at < c.text.size(); at += c.block_size, ++count) {
    const auto from = c.text.begin() + static_cast<std::ptrdiff_t>(at);
    const size_t size = std::min(c.block_size, c.text.size() - at);
    all += cshake(c.row->bits, Bytes(from, from + static_cast<std::ptrdiff_t>(size)), c.row->bits / 4, {}, {});
  }
  return all += right_encode(count);
}

// right: the output of that size.
Bytes right(const Case& c, size_t size) {
  Bytes all;
  switch (c.row->kind) {
    case HashKind::kFixed:
    case HashKind::kShake:
      return by_libcrypto(c.row->name, c.text, size);
    case HashKind::kCshake:
      return cshake(c.row->bits, c.text, size, c.name, c.custom);
    case HashKind::kTuple:
    case HashKind::kTupleXof:
      for (const Bytes& element : c.pieces) all += encode_string(element);
      all += right_encode(c.row->kind == HashKind::kTuple ? size * 8 : 0);
      return cshake(c.row->bits, all, size, ascii("TupleHash"), c.custom);
    case HashKind::kParallel:
    case HashKind::kParallelXof:
      all = parallel_blocks(c);
      all += right_encode(c.row->kind == HashKind::kParallel ? size * 8 : 0);
      return cshake(c.row->bits, all, size, ascii("ParallelHash"), c.custom);
  }
  return {};
}

// ---- a case

Case read_case(Input& input) {
  Case c{};
  c.row = &cm::kHashFunctions[input.byte() % std::size(cm::kHashFunctions)];
  if (c.row->kind == HashKind::kCshake) c.name = input.noise(input.size(400));
  if (has_parameters(c)) c.custom = input.noise(input.size(400));
  if (has_blocks(c)) c.block_size = 1 + input.size(700);
  // Blocks of few bytes make many: the text is short then.
  const size_t most = has_blocks(c) ? std::min(kTextMax, 100 * c.block_size) : kTextMax;
  for (size_t n = input.byte() % kPieces; n != 0; --n) {
    c.pieces.push_back(input.noise(input.size(most - c.text.size())));
    c.text += c.pieces.back();
  }
  return c;
}

size_t own_size(const Case& c) { return cm::hash_function_size(*c.row); }
size_t any_size(Input& input, const Case& c) { return own_size(c) != 0 ? own_size(c) : 1 + input.size(kOutMax); }

cm_hash_params params_of(const Case& c) {
  cm_hash_params params{};
  params.struct_size = sizeof params;
  params.algorithm = c.row->number;
  params.name = c.name.data();
  params.name_size = c.name.size();
  params.custom = c.custom.data();
  params.custom_size = c.custom.size();
  params.block_size = c.block_size;
  return params;
}

cm_hash begin(Input& input, const Case& c) {
  cm_hash hash{};
  const cm_hash_params params = params_of(c);
  const bool plain = c.name.empty() && c.custom.empty() && !has_blocks(c) && input.byte() % 2 == 0;
  require((plain ? cm_hash_init(session(), &hash, c.row->number) : cm_hash_init_params(session(), &hash, &params)) ==
                  CM_OK &&
              hash.v != 0,
          "no context");
  return hash;
}

void check_at_once(Input& input, const Case& c) {
  // More than the digest may be there; a capacity of one byte too few.
  const size_t size = any_size(input, c), few = own_size(c) - 1;
  const size_t capacity = own_size(c) == 0 ? size : input.rare() ? few : size + input.byte() % 4;
  Texts texts(input, c.text, std::max(size, capacity));
  const cm_rc rc = cm_hash_compute(session(), c.row->number, texts.out(), capacity, texts.in(), c.text.size());
  if (has_parameters(c))
    require(rc == CM_ERR_ARGUMENT, "parameters come from nowhere");
  else if (capacity < size)
    require(rc == CM_ERR_BUFFER_TOO_SMALL, "a small buffer has a wrong answer");
  else if (texts.overlapping(size))
    require(rc == CM_ERR_OVERLAP, "an overlap has a wrong answer");
  else
    require(rc == CM_OK && texts.output_is(right(c, size)), "a digest is not that of libcrypto");
  require(texts.only_output_changed(rc == CM_OK ? size : 0), "written outside the digest");
}

// ---- contexts

struct Context {
  cm_hash hash;
  size_t done;  // pieces
};

// feed: the next piece, by calls of any sizes unless it is an element; copies of exact size, so that what is read
// beyond is seen.
void feed(Input& input, const Case& c, Context& context) {
  const Bytes& piece = c.pieces[context.done++];
  if (is_tuple(c)) {
    const Bytes copy = piece;
    return require(cm_hash_update(session(), context.hash, copy.data(), copy.size()) == CM_OK, "an element is refused");
  }
  for (size_t at = 0; at < piece.size();) {
    const size_t left = piece.size() - at, chosen = input.size(left), now = chosen == 0 ? left : chosen;
    const auto from = piece.begin() + static_cast<std::ptrdiff_t>(at);
    const Bytes part(from, from + static_cast<std::ptrdiff_t>(now));
    require(cm_hash_update(session(), context.hash, part.data(), now) == CM_OK, "a piece is refused");
    at += now;
  }
}

// squeeze: some output in pieces; what was got.
Bytes squeeze(Input& input, const Case& c, cm_hash hash) {
  Bytes all;
  for (size_t n = input.byte() % 5; n != 0; --n) {
    Bytes part(input.size(kOutMax / 4), 0xee);
    const cm_rc rc = cm_hash_squeeze(session(), hash, part.data(), part.size());
    if (!cm::hash_function_squeezes(*c.row)) {
      require(rc == CM_ERR_USAGE && part == Bytes(part.size()), "output in pieces of a function without");
      continue;
    }
    require(rc == CM_OK, "no output");
    all += part;
    if (input.rare())
      require(cm_hash_update(session(), hash, "late", 4) == CM_ERR_SEQUENCE, "a piece that comes after output");
  }
  return all;
}

void end(Input& input, const Case& c, const Context& context) {
  Bytes got = squeeze(input, c, context.hash);
  Bytes last(any_size(input, c), 0xee);
  if (input.rare()) {
    const size_t few = own_size(c) == 0 ? 0 : own_size(c) - 1;
    require(cm_hash_final(session(), context.hash, last.data(), few) ==
                (own_size(c) == 0 ? CM_ERR_LENGTH : CM_ERR_BUFFER_TOO_SMALL),
            "a small buffer has a wrong answer");
    require(last == Bytes(last.size(), 0xee), "a refused end was written");
  }
  require(cm_hash_final(session(), context.hash, last.data(), last.size()) == CM_OK, "no end");
  got += last;
  require(got == right(c, got.size()), "pieces are not the whole");
  require(cm_hash_free(session(), context.hash) == CM_ERR_HANDLE, "a context outlives its end");
}

// check_pieces: contexts that are copies of each other at any point, in turns.
void check_pieces(Input& input, const Case& c) {
  std::vector<Context> contexts = {{begin(input, c), 0}};
  const auto unfinished = [&](const Context& context) { return context.done < c.pieces.size(); };
  while (std::any_of(contexts.begin(), contexts.end(), unfinished)) {
    if (contexts.size() < kContexts && input.byte() % 4 == 1) {
      Context copy = contexts[input.byte() % contexts.size()];
      const cm_hash from = copy.hash;
      require(cm_hash_copy(session(), &copy.hash, from) == CM_OK && copy.hash.v != from.v, "no copy");
      contexts.push_back(copy);
    }
    for (Context& context : contexts)
      if (unfinished(context)) feed(input, c, context);
  }
  for (size_t i = 1; i < contexts.size(); ++i) end(input, c, contexts[i]);
  if (!input.rare()) return end(input, c, contexts[0]);
  require(cm_hash_free(session(), contexts[0].hash) == CM_OK, "a context is not freed");
  require(cm_hash_update(session(), contexts[0].hash, "x", 1) == CM_ERR_HANDLE, "an update of what is gone");
}

// check_refusals: parameters that the function does not take.
void check_refusals(Input& input, const Case& c) {
  cm_hash_params params = params_of(c);
  cm_hash hash{7};
  cm_rc expected = CM_ERR_ARGUMENT;
  switch (input.byte() % 5) {
    case 0:
      if (c.row->kind == HashKind::kCshake) return;
      params.name = "N";
      params.name_size = 1;
      break;
    case 1:
      if (has_parameters(c)) return;
      params.custom = "S";
      params.custom_size = 1;
      break;
    case 2:
      params.block_size = has_blocks(c) ? 0 : 8;
      break;
    case 3:
      params.custom = nullptr;
      params.custom_size = 9;
      expected = CM_ERR_NULL;
      break;
    default:
      params.algorithm = static_cast<uint32_t>(std::size(cm::kHashFunctions)) + 1 + input.byte();
      break;
  }
  require(cm_hash_init_params(session(), &hash, &params) == expected && hash.v == 0, "wrong parameters are taken");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size);
  start_case(input);
  const Case c = read_case(input);
  check_at_once(input, c);
  check_pieces(input, c);
  check_refusals(input, c);
  end_case();
  return 0;
}
