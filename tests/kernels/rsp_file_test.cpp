// SPDX-License-Identifier: Apache-2.0
// rsp_file_test.cpp: the reader of test data must not lose cases, or every test over a file proves less than it says.
#include "tests/support/rsp_file.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <stdexcept>

namespace cm::test {
namespace {

class RspFile : public testing::Test {
 protected:
  std::string write(const std::string& text) {
    path_ = testing::TempDir() + "rsp_file_test." + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::ofstream(path_) << text;
    return path_;
  }
  void TearDown() override { std::remove(path_.c_str()); }
  std::string path_;
};

TEST_F(RspFile, gives_records_with_their_sections) {
  const auto records = read_rsp_file(
      write("# head\n\n[Keylen = 128]\n[IVlen = 96]\n\nCount = 0\nKey = 00fF\n\nCount = 1\nKey =\nFAIL\r\n"
            "[Keylen = 256]\nCount = 2\nX = 1\nX = 2\n"));
  ASSERT_EQ(records.size(), 3u);
  EXPECT_EQ(records[0].section_number("IVlen"), 96u);
  EXPECT_EQ(records[0].bytes("Key"), (Bytes{0x00, 0xff}));
  EXPECT_FALSE(records[0].has("FAIL"));
  EXPECT_EQ(records[1].bytes("Key"), Bytes{});
  EXPECT_TRUE(records[1].has("FAIL"));
  EXPECT_EQ(records[2].section_number("Keylen"), 256u);
  EXPECT_THROW((void)records[2].section_number("IVlen"), std::runtime_error);
  EXPECT_EQ(records[2].fields.size(), 3u);
  EXPECT_EQ(records[2].number("X"), 1u);
}

TEST_F(RspFile, a_name_ends_at_the_first_sign) {
  const auto records = read_rsp_file(write("[AES-128/CBC/CTS]\nKey: 01\nNote = a: b\nText: c = d\n"));
  ASSERT_EQ(records.size(), 1u);
  EXPECT_TRUE(records[0].section.contains("AES-128/CBC/CTS"));
  EXPECT_EQ(records[0].bytes("Key"), Bytes{0x01});
  EXPECT_EQ(records[0].text("Note"), "a: b");
  EXPECT_EQ(records[0].text("Text"), "c = d");
}

TEST_F(RspFile, refuses_what_it_does_not_understand) {
  EXPECT_THROW(read_rsp_file("/nonexistent.rsp"), std::runtime_error);
  EXPECT_THROW(read_rsp_file(write("# nothing\n")), std::runtime_error);
  EXPECT_THROW(read_rsp_file(write("[L = 32\nMD = 00\n")), std::runtime_error);
  const auto records = read_rsp_file(write("N = 12x\nH = 0\nG = 0g\n"));
  EXPECT_THROW((void)records[0].number("N"), std::runtime_error);
  EXPECT_THROW((void)records[0].bytes("H"), std::runtime_error);
  EXPECT_THROW((void)records[0].bytes("G"), std::runtime_error);
  EXPECT_THROW((void)records[0].text("missing"), std::runtime_error);
}

}  // namespace
}  // namespace cm::test
