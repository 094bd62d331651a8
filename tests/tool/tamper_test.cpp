// SPDX-License-Identifier: Apache-2.0
// tamper_test.cpp: every kind of change of a sealed file is refused with the place named, exit code 2, and nothing
// under the name of the result.
#include <algorithm>

#include "tests/tool/runner.h"

namespace cm::tool_tests {
namespace {

constexpr size_t kHeader = 96;
constexpr size_t kSealedChunk = (size_t{1} << 20) + 28;
constexpr size_t kLast = 5 + 28;
constexpr size_t kSize = kHeader + 3 * kSealedChunk + kLast;

constexpr size_t chunk_at(size_t number) { return kHeader + number * kSealedChunk; }

ptrdiff_t at(size_t offset) { return static_cast<ptrdiff_t>(offset); }

Bytes part(const Bytes& bytes, size_t offset, size_t size) {
  return Bytes(bytes.begin() + at(offset), bytes.begin() + at(offset + size));
}

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class Tamper : public ToolTest {
 protected:
  void SetUp() override {
    ToolTest::SetUp();
    make_key();
    good = sealed(pattern(3 * (kSealedChunk - 28) + 5));
    ASSERT_EQ(good.size(), kSize);
  }

  Bytes head() const { return part(good, 0, kHeader); }
  Bytes chunk(size_t number) const { return part(good, chunk_at(number), number < 3 ? kSealedChunk : kLast); }
  Bytes cut(size_t size) const { return part(good, 0, size); }
  Bytes flipped(size_t offset) const {
    Bytes bytes = good;
    bytes[offset] ^= 0x10;
    return bytes;
  }

  void expect_refused(const Bytes& bytes, const std::string& words, const std::string& key = "key") const {
    write_file(dir / "changed", bytes);
    const Outcome done = tool({"open", "--key", path(key), path("changed"), path("result")});
    EXPECT_EQ(done.exit_code, 2) << done.err;
    EXPECT_TRUE(contains(done.err, words)) << "wanted: " << words << "\ngot: " << done.err;
    EXPECT_EQ(std::count(done.err.begin(), done.err.end(), '\n'), 1) << done.err;
    const auto names = listing("");
    EXPECT_EQ(std::count(names.begin(), names.end(), "result"), 0);
    for (const std::string& name : names) EXPECT_NE(name[0], '.') << "left behind: " << name;
  }

  Bytes good;
};

TEST_F(Tamper, order_of_chunks) {
  expect_refused(head() + chunk(1) + chunk(0) + chunk(2) + chunk(3), "damaged chunk 0 (bytes 96..1048699)");
  expect_refused(head() + chunk(0) + chunk(2) + chunk(1) + chunk(3), "damaged chunk 1 ");
  expect_refused(head() + chunk(0) + chunk(1) + chunk(1) + chunk(2) + chunk(3), "damaged chunk 2 ");
  expect_refused(head() + chunk(1) + chunk(2) + chunk(3), "damaged chunk 0 ");
  expect_refused(head() + chunk(0) + chunk(2) + chunk(3), "damaged chunk 1 ");
  expect_refused(head() + chunk(0) + chunk(1) + chunk(3), "damaged chunk 2 ");
}

TEST_F(Tamper, truncation_at_chunk_borders) {
  expect_refused(cut(chunk_at(0)), "cut short: it ends before or inside chunk 0 (byte 96)");
  expect_refused(cut(chunk_at(1)), "cut short: chunk 0 ");
  expect_refused(cut(chunk_at(2)), "cut short: chunk 1 ");
  expect_refused(cut(chunk_at(3)), "cut short: chunk 2 ");
}

TEST_F(Tamper, truncation_inside_chunks) {
  expect_refused(cut(chunk_at(0) + 10), "inside chunk 0");
  expect_refused(cut(chunk_at(0) + kSealedChunk / 2), "damaged chunk 0 ");
  expect_refused(cut(chunk_at(1) + 27), "inside chunk 1");
  expect_refused(cut(chunk_at(1) + 28), "damaged chunk 1 ");
  expect_refused(cut(chunk_at(3) - 1), "damaged chunk 2 ");
  expect_refused(cut(chunk_at(3) + 20), "inside chunk 3");
  expect_refused(cut(kSize - 1), "damaged chunk 3 ");
}

TEST_F(Tamper, truncation_inside_the_header) {
  expect_refused({}, "is not a file sealed by this tool");
  expect_refused(cut(7), "is not a file sealed by this tool");
  expect_refused(cut(50), "cut short: it ends inside its header, after 50 bytes");
  expect_refused(cut(95), "cut short: it ends inside its header, after 95 bytes");
}

TEST_F(Tamper, bytes_after_the_end) {
  expect_refused(good + Bytes{0}, "damaged chunk 3 ");
  expect_refused(good + good, "damaged chunk 3 ");
  expect_refused(good + chunk(3), "damaged chunk 3 ");
  const Bytes full = sealed(pattern(2 * (kSealedChunk - 28)));
  expect_refused(full + Bytes{0}, "chunk 1 (bytes 1048700..2097303) is its end, but more bytes follow");
  expect_refused(full + part(full, kHeader, kSealedChunk), "is its end, but more bytes follow");
}

TEST_F(Tamper, header_fields) {
  expect_refused(flipped(0), "is not a file sealed by this tool");
  expect_refused(flipped(8), "newer version");
  expect_refused(flipped(10), "newer version");
  expect_refused(flipped(13), "newer version");
  expect_refused(flipped(16), "wrong key");
  expect_refused(flipped(47), "wrong key");
  expect_refused(flipped(48), "the header of");
  expect_refused(flipped(63), "the header of");
  expect_refused(flipped(64), "wrong key");
  expect_refused(flipped(91), "wrong key");
  expect_refused(flipped(92), "the header of");
  expect_refused(flipped(95), "the header of");
}

TEST_F(Tamper, bytes_of_chunks) {
  for (const size_t number : {0u, 2u, 3u}) {
    const std::string words = "damaged chunk " + std::to_string(number) + " ";
    const size_t size = chunk(number).size();
    expect_refused(flipped(chunk_at(number)), words);
    expect_refused(flipped(chunk_at(number) + 12), words);
    expect_refused(flipped(chunk_at(number) + size - 16), words);
    expect_refused(flipped(chunk_at(number) + size - 1), words);
  }
}

TEST_F(Tamper, chunks_of_another_file_under_the_same_key) {
  const Bytes other = sealed(pattern(3 * (kSealedChunk - 28) + 5));  // the same content
  const Bytes other_head = part(other, 0, kHeader);
  expect_refused(head() + chunk(0) + part(other, chunk_at(1), kSealedChunk) + chunk(2) + chunk(3), "damaged chunk 1 ");
  expect_refused(cut(chunk_at(3)) + part(other, chunk_at(3), kLast), "damaged chunk 3 ");
  expect_refused(other_head + chunk(0) + chunk(1) + chunk(2) + chunk(3), "damaged chunk 0 ");
}

TEST_F(Tamper, another_key) {
  make_key("other");
  expect_refused(good, "wrong key", "other");
}

TEST_F(Tamper, something_else) { expect_refused(pattern(5000), "is not a file sealed by this tool"); }

TEST_F(Tamper, a_stream_ends_at_the_damage) {
  const Outcome done = tool({"open", "--stream", "--key", path("key"), "-", "-"}, {flipped(chunk_at(2) + 500), {}, {}});
  EXPECT_EQ(done.exit_code, 2);
  const Bytes content = pattern(3 * (kSealedChunk - 28) + 5);
  EXPECT_EQ(Bytes(done.out.begin(), done.out.end()), part(content, 0, 2 * (kSealedChunk - 28)));
}

}  // namespace
}  // namespace cm::tool_tests
