// SPDX-License-Identifier: Apache-2.0
// demo_test.cpp: the main job, twice in one directory, and on a file of the user.
#include "tests/support/remove_directory.h"
#include "tests/tool/runner.h"

namespace cm::tool_tests {
namespace {

namespace fs = std::filesystem;

class Demo : public ToolTest {
 protected:
  Outcome demo(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {CM_TOOL, "demo", path("demo")});
    return Child(more, {}).wait();
  }
  uint64_t log_size() const {
    uint64_t size = 0;
    for (const auto& entry : fs::directory_iterator(dir / "demo/log")) {
      EXPECT_EQ(entry.path().extension(), ".cmlog") << "a log holds segments and nothing else: " << entry.path();
      size += entry.file_size();
    }
    return size;
  }
};

TEST_F(Demo, runs_twice_in_one_directory) {
  const Outcome first = demo();
  ASSERT_EQ(first.exit_code, 0) << first.out << first.err;
  EXPECT_TRUE(contains(first.out, "the record that is named, as it was and as it is in the copy:")) << first.out;
  const Bytes enrolment = read_file(dir / "demo/trust/enrolment.json");
  EXPECT_FALSE(enrolment.empty());
  EXPECT_TRUE(fs::exists(dir / "demo/tpm"));
  const uint64_t size = log_size();
  EXPECT_GT(size, 0u);
  EXPECT_EQ(read_file(dir / "demo/demo-opened.bin"), read_file(dir / "demo/demo-input.bin"));

  const Outcome second = demo();
  ASSERT_EQ(second.exit_code, 0) << second.out << second.err;
  EXPECT_EQ(read_file(dir / "demo/trust/enrolment.json"), enrolment);
  EXPECT_GT(log_size(), size);
}

TEST_F(Demo, takes_a_file_of_the_user) {
  const Bytes content = pattern((5u << 20) + 3);
  write_file(dir / "mine", content);
  const Outcome done = demo({"--input", path("mine")});
  ASSERT_EQ(done.exit_code, 0) << done.out << done.err;
  EXPECT_EQ(read_file(dir / "demo/demo-opened.bin"), content);
  EXPECT_EQ(read_file(dir / "mine"), content);
  EXPECT_FALSE(fs::exists(dir / "demo/demo-input.bin"));
}

TEST_F(Demo, fails_in_clear_words) {
  const Outcome absent = demo({"--input", path("absent")});
  EXPECT_EQ(absent.exit_code, 1);
  EXPECT_TRUE(contains(absent.err, "cannot open '" + path("absent") + "'")) << absent.err;
  write_file(dir / "plain", {});
  const Outcome place = Child({CM_TOOL, "demo", path("plain/demo")}, {}).wait();
  EXPECT_EQ(place.exit_code, 1);
  EXPECT_TRUE(contains(place.err, path("plain/demo"))) << place.err;
  EXPECT_EQ(Child({CM_TOOL, "--audit-dir", path("x"), "demo", path("demo")}, {}).wait().exit_code, 64);
}

TEST_F(Demo, a_log_that_is_not_the_enrolled_one_fails) {
  ASSERT_EQ(demo().exit_code, 0);
  const Bytes other = read_file(dir / "demo/trust/enrolment.json");
  EXPECT_TRUE(wait_for_writer(dir / "demo/log.run"));
  cm::test::remove_directory(dir / "demo");
  ASSERT_EQ(demo().exit_code, 0);
  write_file(dir / "demo/trust/enrolment.json", other);
  const Outcome done = demo();
  EXPECT_EQ(done.exit_code, 1) << done.out;
  EXPECT_TRUE(contains(done.err, "did not verify")) << done.err;
}

TEST_F(Demo, a_log_that_was_changed_before_is_found) {
  ASSERT_EQ(demo().exit_code, 0);
  const fs::path segment = dir / "demo/log/00000000.cmlog";
  Bytes bytes = read_file(segment);
  bytes[bytes.size() / 2] ^= 1;
  write_file(segment, bytes);
  const Outcome done = demo();
  EXPECT_EQ(done.exit_code, 1) << done.out;
  EXPECT_FALSE(contains(done.out, "done:"));
}

}  // namespace
}  // namespace cm::tool_tests
