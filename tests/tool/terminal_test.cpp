// SPDX-License-Identifier: Apache-2.0
// terminal_test.cpp: the passphrase asked for on a terminal: twice for a new key, never echoed, and the terminal as
// before when it was interrupted.
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>

#include "tests/tool/runner.h"

namespace cm::tool_tests {
namespace {

namespace fs = std::filesystem;

// Terminal: the tool with a terminal of its own. The leader of the terminal's session is a process between the two:
// when a leader ends, the kernel throws away what nobody has read yet.
class Terminal {
 public:
  explicit Terminal(std::vector<std::string> words) {
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    leader_ = forkpty(&master_, nullptr, nullptr, nullptr);
    if (leader_ < 0) throw std::runtime_error("no terminal");
    if (leader_ == 0) lead(argv.data(), ends[1]);
    close(ends[1]);
    end_ = ends[0];
  }
  ~Terminal() {
    close(master_);
    close(end_);
    kill(-leader_, SIGKILL);
    kill(leader_, SIGKILL);  // it may not lead a group yet
    waitpid(leader_, nullptr, 0);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  // wait_for: reads until the words appear; false when the tool ended or said nothing for long.
  bool wait_for(const std::string& words) {
    while (!contains(unread_, words))
      if (!read_some()) return false;
    unread_.erase(0, unread_.find(words) + words.size());
    return true;
  }
  void type(const std::string& text) const {
    EXPECT_EQ(write(master_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  bool echoes() const {
    termios settings{};
    tcgetattr(master_, &settings);
    return (settings.c_lflag & ECHO) != 0;
  }
  int wait() {
    while (read_some()) {
    }
    int status = 0;
    EXPECT_EQ(read(end_, &status, sizeof status), static_cast<ssize_t>(sizeof status));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  const std::string& screen() const { return screen_; }

 private:
  // lead: runs the tool, tells its end, and stays until it is killed.
  [[noreturn]] static void lead(char* const* argv, int end_fd) {
    signal(SIGINT, [](int) {});  // it is for the tool, where exec makes it the default again
    const pid_t tool = fork();
    if (tool == 0) {
      execv(argv[0], argv);
      _exit(126);
    }
    int status = 0;
    while (waitpid(tool, &status, 0) != tool)
      if (errno != EINTR) _exit(1);
    if (write(end_fd, &status, sizeof status) < 0) _exit(1);
    for (;;) pause();
  }

  // read_some: false when the tool ended and all was read, or when it said nothing for long.
  bool read_some() {
    constexpr int kSilenceMs = 60'000;
    std::array<pollfd, 2> ready{{{master_, POLLIN, 0}, {end_, POLLIN, 0}}};
    if (poll(ready.data(), ready.size(), kSilenceMs) <= 0) return false;
    // The end is seen first, the screen after it: nothing is written to it any more.
    if (ready[0].revents == 0 && poll(ready.data(), 1, 0) <= 0) return false;
    std::array<char, 4096> part{};
    const ssize_t n = read(master_, part.data(), part.size());
    if (n <= 0) return false;
    screen_.append(part.data(), static_cast<size_t>(n));
    unread_.append(part.data(), static_cast<size_t>(n));
    return true;
  }

  pid_t leader_ = -1;
  int master_ = -1;
  int end_ = -1;
  std::string screen_;
  std::string unread_;
};

const std::string kPassphrase = "a passphrase of words";

class TerminalTest : public ToolTest {};

TEST_F(TerminalTest, a_new_passphrase_is_asked_for_twice_and_not_shown) {
  Terminal keygen(command({"keygen", path("key")}));
  ASSERT_TRUE(keygen.wait_for("Passphrase (14 characters or more): "));
  EXPECT_FALSE(keygen.echoes());
  keygen.type(kPassphrase + "\n");
  ASSERT_TRUE(keygen.wait_for("Passphrase again: "));
  keygen.type(kPassphrase + "\n");
  EXPECT_EQ(keygen.wait(), 0) << keygen.screen();
  EXPECT_FALSE(contains(keygen.screen(), kPassphrase));
}

// What was done is said on every terminal, also on one that cannot draw a bar.
TEST_F(TerminalTest, the_passphrase_of_a_key_is_asked_for_once_and_not_shown) {
  Terminal keygen(command({"keygen", path("key")}));
  for (const char* question : {"more): ", "again: "}) {
    ASSERT_TRUE(keygen.wait_for(question));
    keygen.type(kPassphrase + "\n");
  }
  ASSERT_EQ(keygen.wait(), 0) << keygen.screen();
  write_file(dir / "in", pattern(100));
  for (const char* kind : {"xterm", "dumb", ""}) {
    setenv("TERM", kind, 1);
    Terminal seal(command({"seal", "--key", path("key"), path("in"), path(std::string("out") + kind)}));
    ASSERT_TRUE(seal.wait_for("Passphrase of " + path("key") + ": "));
    EXPECT_FALSE(seal.echoes());
    seal.type(kPassphrase + "\n");
    EXPECT_EQ(seal.wait(), 0) << seal.screen();
    EXPECT_TRUE(contains(seal.screen(), "sealed 100 bytes into ")) << kind << seal.screen();
    EXPECT_FALSE(contains(seal.screen(), kPassphrase));
  }
}

TEST_F(TerminalTest, two_different_passphrases_make_no_key) {
  Terminal keygen(command({"keygen", path("key")}));
  ASSERT_TRUE(keygen.wait_for("more): "));
  keygen.type(kPassphrase + "\n");
  ASSERT_TRUE(keygen.wait_for("again: "));
  keygen.type(kPassphrase + "s\n");
  EXPECT_EQ(keygen.wait(), 1);
  EXPECT_TRUE(contains(keygen.screen(), "the two passphrases differ")) << keygen.screen();
  EXPECT_FALSE(fs::exists(dir / "key"));
}

TEST_F(TerminalTest, an_interrupt_puts_the_terminal_right) {
  Terminal keygen(command({"keygen", path("key")}));
  ASSERT_TRUE(keygen.wait_for("more): "));
  EXPECT_FALSE(keygen.echoes());
  keygen.type("\x03");
  // The settings are looked at while the terminal still has a reader: before the tool's end is waited for.
  EXPECT_EQ(keygen.wait(), 128 + SIGINT);
  EXPECT_TRUE(keygen.echoes());
  EXPECT_FALSE(fs::exists(dir / "key"));
}

TEST_F(TerminalTest, without_a_terminal_a_file_is_asked_for) {
  RunOptions options;
  options.in_child = [] { setsid(); };
  const Outcome done = tool({"keygen", path("key")}, options);
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_TRUE(contains(done.err, "--passphrase-file")) << done.err;
}

}  // namespace
}  // namespace cm::tool_tests
