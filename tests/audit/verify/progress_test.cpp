// SPDX-License-Identifier: Apache-2.0
// progress_test.cpp: the line on a terminal, with a clock of the test's own: when it comes, what it says, that it is
// gone afterwards, and that nothing but a terminal ever gets it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include "audit/verify/progress.h"

namespace cm::audit::test {
namespace {

using std::chrono::milliseconds;
using verify::progress_text;
using verify::ProgressLine;

// Terminal: both ends of one. said: what was written to it since the last question.
class Terminal {
 public:
  Terminal() {
    EXPECT_EQ(openpty(&reader_, &terminal_, nullptr, nullptr, nullptr), 0);
    EXPECT_EQ(fcntl(reader_, F_SETFL, O_NONBLOCK), 0);
  }
  ~Terminal() {
    close(reader_);
    close(terminal_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  int fd() const { return terminal_; }
  std::string said() const {
    char buffer[4096];
    const ssize_t n = ::read(reader_, buffer, sizeof buffer);
    return n > 0 ? std::string(buffer, static_cast<size_t>(n)) : "";
  }

 private:
  int reader_ = -1;
  int terminal_ = -1;
};

// screen: what stands on the line after all that was written, without spaces at its end.
std::string screen(const std::string& written) {
  std::string line;
  size_t at = 0;
  for (const char c : written) {
    if (c == '\r') {
      at = 0;
      continue;
    }
    if (at == line.size()) line.push_back(' ');
    line[at++] = c;
  }
  return line.substr(0, line.find_last_not_of(' ') + 1);
}

class ProgressTest : public ::testing::Test {
 protected:
  ProgressLine::Clock clock() {
    return [this] { return std::chrono::steady_clock::time_point(now_); };
  }
  Terminal terminal_;
  milliseconds now_{5000};
};

TEST_F(ProgressTest, what_takes_less_than_a_second_shows_nothing) {
  ProgressLine line(terminal_.fd(), clock());
  for (uint64_t i = 0; i < 10; ++i, now_ += milliseconds(99)) line.at(i, 10);
  line.erase();
  EXPECT_EQ(terminal_.said(), "");
}

TEST_F(ProgressTest, shown_from_a_second_on_five_times_a_second_and_gone_at_the_end) {
  std::string all;
  {
    ProgressLine line(terminal_.fd(), clock());
    now_ += milliseconds(1000);
    line.at(25u << 20, 100u << 20);
    all = terminal_.said();
    EXPECT_EQ(screen(all), "25 of 100 MiB (25 %), about 4 s left");
    now_ += milliseconds(199);
    line.at(50u << 20, 100u << 20);
    EXPECT_EQ(terminal_.said(), "");
    now_ += milliseconds(1);
    line.at(50u << 20, 100u << 20);
    all += terminal_.said();
    EXPECT_EQ(screen(all), "50 of 100 MiB (50 %), about 2 s left");
  }
  all += terminal_.said();
  EXPECT_EQ(screen(all), "");
  EXPECT_TRUE(all.ends_with('\r'));
}

TEST_F(ProgressTest, a_shorter_line_leaves_nothing_of_the_longer_one) {
  ProgressLine line(terminal_.fd(), clock());
  now_ += milliseconds(300'000);
  line.at(900u << 20, 1000u << 20);
  std::string all = terminal_.said();
  EXPECT_EQ(screen(all), "900 of 1000 MiB (90 %), about 34 s left");
  now_ += milliseconds(1000);
  line.at(990u << 20, 1000u << 20);
  all += terminal_.said();
  EXPECT_EQ(screen(all), "990 of 1000 MiB (99 %), about 4 s left");
}

TEST_F(ProgressTest, what_is_no_terminal_gets_nothing) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_NONBLOCK), 0);
  {
    ProgressLine line(ends[1], clock());
    now_ += milliseconds(5000);
    line.at(1, 2);
  }
  char byte;
  EXPECT_LT(::read(ends[0], &byte, 1), 0);
  close(ends[0]);
  close(ends[1]);
}

TEST_F(ProgressTest, no_line_is_longer_than_a_terminal) {
  for (const uint64_t total : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 30, uint64_t{1} << 62})
    for (const uint64_t done : {uint64_t{0}, total / 1000, total})
      for (const milliseconds elapsed : {milliseconds(0), milliseconds(1000), milliseconds(100'000'000)})
        EXPECT_LE(progress_text(done, total, elapsed).size(), 60u) << progress_text(done, total, elapsed);
  EXPECT_EQ(progress_text(0, 3u << 20, milliseconds(2000)), "0 of 3 MiB (0 %)");
  EXPECT_EQ(progress_text(1u << 20, 1001u << 20, milliseconds(2000)), "1 of 1001 MiB (0 %), about 34 min left");
}

}  // namespace
}  // namespace cm::audit::test
