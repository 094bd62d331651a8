// SPDX-License-Identifier: Apache-2.0
// derived.h: what tests of key derivation share.
#pragma once
#include <gtest/gtest.h>

#include <string_view>

#include "crypto/base/status.h"
#include "tests/support/rsp_file.h"

namespace cm::test {

inline Bytes ascii(std::string_view text) { return {text.begin(), text.end()}; }

inline Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

// big_endian: a number in so many bytes.
inline Bytes big_endian(uint64_t number, size_t size) {
  Bytes out(size);
  for (size_t i = 0; i < size; ++i) out[size - 1 - i] = static_cast<uint8_t>(number >> 8 * i);
  return out;
}

// derived: what derive(out, size) writes; bytes behind it must stay.
template <class Derive>
Bytes derived(size_t size, Derive derive) {
  constexpr size_t kBehind = 80;  // more than a digest
  Bytes out(size + kBehind, 0xee);
  EXPECT_EQ(derive(out.data(), size), Status::kOk);
  EXPECT_EQ(Bytes(out.end() - kBehind, out.end()), Bytes(kBehind, 0xee))
      << "more than " << size << " bytes are written";
  out.resize(size);
  return out;
}

// refused: the answer of derive(out, size), which must write nothing.
template <class Derive>
Status refused(size_t size, Derive derive) {
  Bytes out(64, 0xee);
  const Status s = derive(out.data(), size);
  EXPECT_EQ(out, Bytes(64, 0xee));
  return s;
}

// read_records: as read_rsp_file, where a record may have blank lines in it: each begins with a field of that name.
inline std::vector<RspRecord> read_records(const std::string& path, std::string_view first) {
  std::vector<RspRecord> records;
  for (RspRecord& piece : read_rsp_file(path))
    if (records.empty() || piece.fields.front().first == first)
      records.push_back(std::move(piece));
    else
      records.back().fields.insert(records.back().fields.end(), piece.fields.begin(), piece.fields.end());
  return records;
}

}  // namespace cm::test
