// SPDX-License-Identifier: Apache-2.0
// interruption_test.cpp: a seal that is interrupted leaves nothing under the name of the result, and nothing else
// either when it was asked to stop.
#include <signal.h>

#include <thread>

#include "tests/tool/runner.h"

namespace cm::tool_tests {
namespace {

namespace fs = std::filesystem;

class Interruption : public ToolTest {
 protected:
  void SetUp() override {
    ToolTest::SetUp();
    make_key();
    fs::create_directory(dir / "results");
  }
  // interrupted: a seal of endless input, after it took five chunks.
  Outcome interrupted(int signal, bool replacing, const RunOptions& options = {}) const {
    std::vector<std::string> words = {"seal", "--key", path("key"), "-", path("results/out")};
    if (replacing) words.emplace_back("--force");
    Child child(command(words), options);
    EXPECT_TRUE(child.feed(pattern(5u << 20)));
    kill(child.pid(), signal);
    return child.wait();
  }
};

TEST_F(Interruption, leaves_nothing_when_asked_to_stop) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    SCOPED_TRACE(signal);
    EXPECT_EQ(interrupted(signal, false).exit_code, 128 + signal);
    EXPECT_TRUE(listing("results").empty());
  }
}

TEST_F(Interruption, removes_a_named_temporary_file) {
  RunOptions poor;
  poor.environment = {{"LD_PRELOAD", CM_POOR_FILE_SYSTEM}, {"CM_TEST_MISSING", "tmpfile"}};
  EXPECT_EQ(interrupted(SIGTERM, false, poor).exit_code, 128 + SIGTERM);
  EXPECT_TRUE(listing("results").empty());

  // Two signals at once: the handler of the second ends the tool.
  Child child(command({"seal", "--key", path("key"), "-", path("results/out")}), poor);
  ASSERT_TRUE(child.feed(pattern(2u << 20)));
  ASSERT_EQ(listing("results").size(), 1u);
  kill(child.pid(), SIGSTOP);
  kill(child.pid(), SIGINT);
  kill(child.pid(), SIGTERM);
  kill(child.pid(), SIGCONT);
  EXPECT_GT(child.wait().exit_code, 128);
  EXPECT_TRUE(listing("results").empty());
}

TEST_F(Interruption, leaves_no_result_when_killed) {
  EXPECT_EQ(interrupted(SIGKILL, false).exit_code, 128 + SIGKILL);
  EXPECT_FALSE(fs::exists(dir / "results/out"));
}

TEST_F(Interruption, keeps_the_file_that_was_to_be_replaced) {
  write_file(dir / "results/out", pattern(100));
  EXPECT_EQ(interrupted(SIGINT, true).exit_code, 128 + SIGINT);
  EXPECT_EQ(interrupted(SIGKILL, true).exit_code, 128 + SIGKILL);
  EXPECT_EQ(read_file(dir / "results/out"), pattern(100));
}

TEST_F(Interruption, works_on_after_a_kill) {
  interrupted(SIGKILL, false);
  const Bytes content = pattern(3000);
  write_file(dir / "in", content);
  ASSERT_EQ(tool({"seal", "--key", path("key"), path("in"), path("results/out")}).exit_code, 0);
  ASSERT_EQ(tool({"open", "--key", path("key"), path("results/out"), path("back")}).exit_code, 0);
  EXPECT_EQ(read_file(dir / "back"), content);
}

TEST_F(Interruption, an_ignored_hangup_stays_ignored) {
  RunOptions options;
  options.in_child = [] { signal(SIGHUP, SIG_IGN); };
  Child child(command({"seal", "--key", path("key"), "-", path("results/out")}), options);
  ASSERT_TRUE(child.feed(pattern(2u << 20)));
  kill(child.pid(), SIGHUP);
  ASSERT_TRUE(child.feed(pattern(2u << 20)));
  child.close_input();
  EXPECT_EQ(child.wait().exit_code, 0);
  EXPECT_TRUE(fs::exists(dir / "results/out"));
}

}  // namespace
}  // namespace cm::tool_tests
