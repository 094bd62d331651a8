// SPDX-License-Identifier: Apache-2.0
// tar_file_test.cpp: an archive is what the system's tar reads, also for sizes that no test writes.
#include <gtest/gtest.h>

#include "audit/verify/tar_file.h"
#include "tests/audit/support/audit_program.h"

namespace cm::audit::test {
namespace {

using verify::NewFile;
using verify::TarFile;

std::string said_by(const std::string& command) {
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  std::string text;
  char buffer[4096];
  while (const size_t n = fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, n);
  EXPECT_EQ(pclose(pipe), 0) << text;
  return text;
}

TEST(tar_file, what_was_put_in_comes_out) {
  const LogDirectory directory;
  const std::string path = directory.path() + "/a.tar";
  const std::string block(512, 'b');
  NewFile file(path, NewFile::Existing::kKeep);
  TarFile tar(file);
  ASSERT_TRUE(file.open() && tar.add("d/empty", "") && tar.add("d/block", block) && tar.add("d/run", "x", true));
  ASSERT_TRUE(tar.begin("d/pieces", 4) && tar.append("ab") && tar.append("cd") && tar.end());
  ASSERT_TRUE(tar.finish() && file.keep()) << file.error();
  EXPECT_EQ(std::filesystem::file_size(path), tar.position());
  EXPECT_EQ(said_by("tar -tf " + path), "d/empty\nd/block\nd/run\nd/pieces\n");
  EXPECT_EQ(said_by("tar -xOf " + path + " d/empty d/block d/run d/pieces"), block + "xabcd");
}

TEST(tar_file, a_size_beyond_eleven_octal_digits) {
  const LogDirectory directory;
  for (const auto& [size, expected] :
       {std::pair{(uint64_t{1} << 33) - 1, std::string("77777777777\0", 12)},
        std::pair{(uint64_t{1} << 33) + 5, std::string("\x80\0\0\0\0\0\0\x02\0\0\0\x05", 12)}}) {
    NewFile file(directory.path() + "/a.tar");
    TarFile tar(file);
    std::array<uint8_t, 512> header;
    ASSERT_TRUE(file.open() && tar.begin("x", size) && file.read(0, header));
    EXPECT_EQ(std::string(header.begin() + 124, header.begin() + 136), expected);
    unsigned sum = 8 * ' ';
    for (size_t i = 0; i < header.size(); ++i) sum += i < 148 || i >= 156 ? header[i] : 0;
    EXPECT_EQ(std::stoul(std::string(header.begin() + 148, header.begin() + 154), nullptr, 8), sum);
  }
}

TEST(tar_file, an_existing_file_is_kept) {
  const LogDirectory directory;
  const std::string path = directory.path() + "/a.tar";
  NewFile late(path, NewFile::Existing::kKeep);
  ASSERT_TRUE(late.open() && late.write("late"));
  NewFile first(path);
  ASSERT_TRUE(first.open() && first.write("first") && first.keep());
  EXPECT_FALSE(NewFile(path, NewFile::Existing::kKeep).open());
  EXPECT_FALSE(late.keep());
  EXPECT_NE(late.error().find("File exists"), std::string::npos) << late.error();
  EXPECT_EQ(std::filesystem::file_size(path), 5u);
}

}  // namespace
}  // namespace cm::audit::test
