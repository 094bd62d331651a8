// SPDX-License-Identifier: Apache-2.0
// format_test.cpp: contents of every interesting size come back, and sealed files and key files are what
// docs/sealed-file-format.md says: a second implementation (opener.cpp) reads them.
#include <set>

#include "tests/tool/opener.h"
#include "tests/tool/runner.h"

namespace cm::tool_tests {
namespace {

constexpr size_t kChunk = size_t{1} << 20;
constexpr size_t kOverhead = 28;
constexpr size_t kHeader = 96;

class Format : public ToolTest {
 protected:
  void SetUp() override {
    ToolTest::SetUp();
    make_key();
    const Bytes text = read_file(dir / "key");
    key = key_of(std::string(text.begin(), text.end())).value_or(Bytes{});
    ASSERT_EQ(key.size(), 32u);
  }
  Bytes key;
};

TEST_F(Format, contents_come_back_whole) {
  for (const size_t size : {size_t{0}, size_t{1}, kChunk - 1, kChunk, kChunk + 1, 3 * kChunk, 3 * kChunk + 5}) {
    SCOPED_TRACE(size);
    const Bytes content = pattern(size);
    write_file(dir / "in", content);
    ASSERT_EQ(tool({"seal", "--force", "--key", path("key"), path("in"), path("sealed")}).exit_code, 0);
    const Bytes bytes = read_file(dir / "sealed");
    const size_t chunks = size == 0 ? 1 : (size + kChunk - 1) / kChunk;
    EXPECT_EQ(bytes.size(), kHeader + size + chunks * kOverhead);
    EXPECT_EQ(content_of(bytes, key), content);
    ASSERT_EQ(tool({"open", "--force", "--key", path("key"), path("sealed"), path("opened")}).exit_code, 0);
    EXPECT_EQ(read_file(dir / "opened"), content);
  }
}

TEST_F(Format, streams_come_back_whole) {
  const Bytes content = pattern(2 * kChunk + 77);
  const Outcome sealing = tool({"seal", "--key", path("key"), "-", "-"}, {content, {}, {}});
  ASSERT_EQ(sealing.exit_code, 0) << sealing.err;
  const Bytes bytes(sealing.out.begin(), sealing.out.end());
  EXPECT_EQ(content_of(bytes, key), content);
  const Outcome opening = tool({"open", "--stream", "--key", path("key"), "-", "-"}, {bytes, {}, {}});
  ASSERT_EQ(opening.exit_code, 0) << opening.err;
  EXPECT_EQ(Bytes(opening.out.begin(), opening.out.end()), content);
}

TEST_F(Format, no_iv_and_no_file_id_repeats) {
  const Bytes content = pattern(2 * kChunk);
  std::set<Bytes> seen;
  for (int run = 0; run < 3; ++run) {
    const Bytes bytes = sealed(content);
    const auto at = [&](size_t offset, size_t size) {
      return Bytes(bytes.begin() + static_cast<ptrdiff_t>(offset),
                   bytes.begin() + static_cast<ptrdiff_t>(offset + size));
    };
    EXPECT_TRUE(seen.insert(at(16, 32)).second);
    EXPECT_TRUE(seen.insert(at(64, 12)).second);
    EXPECT_TRUE(seen.insert(at(kHeader, 12)).second);
    EXPECT_TRUE(seen.insert(at(kHeader + kChunk + kOverhead, 12)).second);
  }
}

}  // namespace
}  // namespace cm::tool_tests
