// SPDX-License-Identifier: Apache-2.0
// follow_test.cpp: cryptomod-audit follow on logs that grow while it reads: frames that come in halves, new segments,
// an end, damage, torn tails that a later writer cuts off; first with a clock that the test moves, then the program
// with inotify and signals.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>

#include <csignal>
#include <functional>

#include "audit/verify/follow.h"
#include "audit/verify/frame_stream.h"
#include "tests/audit/support/audit_program.h"
#include "tests/audit/support/golden_logs.h"

namespace cm::audit::test {
namespace {

using Steps = std::vector<std::function<void()>>;

// ScriptedWaiter: each wait does the next step of the test, and the clock goes on by what was to be waited for. After
// the last step there are some more waits, so that what stays as it is is seen to stay.
class ScriptedWaiter final : public verify::FollowWaiter {
 public:
  explicit ScriptedWaiter(Steps steps) : steps_(std::move(steps)) {}
  void wait(uint32_t at_most_ms) override {
    now_ms_ += at_most_ms;
    if (at_ < steps_.size()) steps_[at_]();
    ++at_;
  }
  bool stop_asked() override { return at_ > steps_.size() + 3; }
  uint64_t now_ms() override { return now_ms_; }
  size_t steps_done() const { return at_; }

 private:
  Steps steps_;
  size_t at_ = 0;
  uint64_t now_ms_ = 5;
};

struct Followed {
  int code = 0;
  std::string text;
  std::string trouble;
  size_t waits = 0;
  std::vector<std::string> after;  // text that was there when each step began
};

Followed follow(const LogDirectory& directory, Steps steps, verify::FollowOptions options = {}) {
  Followed out;
  for (auto& step : steps)
    step = [&out, step] {
      out.after.push_back(out.text);
      step();
    };
  ScriptedWaiter waiter(steps);
  verify::DirectorySource source;
  Report report;
  EXPECT_TRUE(source.open(directory.path(), report));
  options.sound_only = true;
  options.lane = best_sha256_lane();
  const auto into = [](std::string& text) {
    return [&text](std::string_view line) {
      text += line;
      return true;
    };
  };
  out.code = verify::follow_log(source, options, waiter, into(out.text), into(out.trouble));
  out.waits = waiter.steps_done();
  return out;
}

// GrowingLog: genesis, a client and one call; then a second call; whatever a test adds.
struct GrowingLog {
  LogBuilder log;
  TestClient client;

  GrowingLog() {
    log.genesis();
    client = log.attach(1);
    call();
  }
  // call: entry and exit of one call as one frame, as the builder has it; its bytes.
  Bytes call() {
    const size_t before = log.next_in_new_segment ? 0 : log.segments.back().size();
    log.batch(client.rings[1].call(EventId::kStatus));
    return tail(before);
  }
  Bytes tail(size_t from) const {
    return Bytes(log.segments.back().begin() + static_cast<std::ptrdiff_t>(from), log.segments.back().end());
  }
  Bytes end() {
    const size_t before = log.segments.back().size();
    log.end();
    return tail(before);
  }
};

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

std::span<const uint8_t> first(const Bytes& bytes, size_t size) { return std::span(bytes).first(size); }
std::span<const uint8_t> rest(const Bytes& bytes, size_t from) { return std::span(bytes).subspan(from); }

TEST(follow, prints_what_comes_and_not_what_is_there) {
  GrowingLog g;
  const LogDirectory directory(g.log.segments);
  const Bytes call = g.call();
  const Followed f = follow(directory, {[&] { directory.append(0, call); }});
  EXPECT_EQ(f.code, 0);
  EXPECT_EQ(f.after[0], "");
  EXPECT_EQ(count(f.text, "#"), 2u) << f.text;
  EXPECT_EQ(count(f.text, "#2 "), 1u) << f.text;
  EXPECT_EQ(count(f.text, "== frame 3 batch"), 1u);
  EXPECT_EQ(f.trouble, "");
}

TEST(follow, from_the_start_prints_what_is_there_first) {
  GrowingLog g;
  const LogDirectory directory(g.log.segments);
  verify::FollowOptions options;
  options.from_start = true;
  options.format = verify::Format::kJson;
  const Followed f = follow(directory, {}, options);
  EXPECT_EQ(f.code, 0);
  EXPECT_EQ(json_lines(f.text).size(), 5u);
}

TEST(follow, a_frame_that_comes_in_two_pieces_is_printed_once_and_whole_wherever_it_is_cut) {
  GrowingLog g;
  const std::vector<Bytes> before = g.log.segments;
  const Bytes call = g.call();
  for (size_t cut = 1; cut < call.size(); ++cut) {
    const LogDirectory directory(before);
    const Followed f = follow(directory, {[&] { directory.append(0, first(call, cut)); }, [] {}, [] {},
                                          [&] { directory.append(0, rest(call, cut)); }});
    ASSERT_EQ(f.code, 0) << cut;
    ASSERT_EQ(f.after[3], "") << cut;
    ASSERT_EQ(count(f.text, "#"), 2u) << cut;
    ASSERT_EQ(f.trouble, "") << cut;
  }
}

TEST(follow, a_frame_that_was_torn_at_the_start_is_new_when_it_is_whole) {
  GrowingLog g;
  std::vector<Bytes> segments = g.log.segments;
  const Bytes call = g.call();
  segments[0].insert(segments[0].end(), call.begin(), call.begin() + 200);
  const LogDirectory directory(segments);
  const Followed f = follow(directory, {[&] { directory.append(0, rest(call, 200)); }});
  EXPECT_EQ(f.code, 0);
  EXPECT_EQ(count(f.text, "#"), 2u) << f.text;
}

TEST(follow, goes_on_into_the_next_segment) {
  GrowingLog g;
  const LogDirectory directory(g.log.segments);
  const Bytes last_of_first = g.call();
  g.log.next_in_new_segment = true;
  g.call();
  const Bytes in_second = g.log.segments[1];
  const Followed f = follow(directory, {[&] {
                                          directory.append(0, last_of_first);
                                          directory.append(1, {});
                                        },
                                        [&] { directory.append(1, first(in_second, 100)); },
                                        [&] { directory.append(1, rest(in_second, 100)); }});
  EXPECT_EQ(f.code, 0) << f.trouble;
  EXPECT_EQ(count(f.text, "#"), 4u) << f.text;
  EXPECT_EQ(f.trouble, "");
}

TEST(follow, the_end_frame_ends_it) {
  GrowingLog g;
  const LogDirectory directory(g.log.segments);
  const Bytes end = g.end();
  const Followed f = follow(directory, {[&] { directory.append(0, end); }, [] {}});
  EXPECT_EQ(f.code, 0);
  EXPECT_EQ(f.waits, 1u);
  EXPECT_EQ(count(f.text, "== frame 3 end"), 1u);
}

TEST(follow, a_log_that_has_ended_is_over_at_once_unless_a_writer_began_again) {
  const LogBuilder clean = kGoldenLogs[0].build({});  // an end frame in the middle, and one with an anchor at the end
  const LogDirectory ended(clean.segments);
  const Followed f = follow(ended, {[] {}});
  EXPECT_EQ(f.code, 0);
  EXPECT_EQ(f.waits, 0u);
  GrowingLog g;
  g.end();
  g.log.start(FrameType::kBoot);
  const LogDirectory begun(g.log.segments);
  EXPECT_GT(follow(begun, {[] {}}).waits, 1u);
}

TEST(follow, damage_in_the_middle_is_three_and_no_record_of_it_is_printed) {
  GrowingLog g;
  const LogDirectory directory(g.log.segments);
  Bytes damaged = g.call();
  damaged[260] ^= 1;
  const Bytes sound = g.call();
  const Followed f = follow(directory, {[&] {
                              directory.append(0, damaged);
                              directory.append(0, sound);
                            }});
  EXPECT_EQ(f.code, 3);
  EXPECT_EQ(count(f.text, "#"), 2u) << f.text;
  EXPECT_EQ(count(f.text, "#4 "), 1u) << f.text;
  EXPECT_EQ(count(f.trouble, "!! frame 3 at 00000000.cmlog"), 1u) << f.trouble;
}

TEST(follow, damage_in_what_was_there_is_told_too) {
  LogBuilder clean = kGoldenLogs[0].build({});
  clean.segments[0][1500] ^= 1;
  const Followed f = follow(LogDirectory(clean.segments), {});
  EXPECT_EQ(f.code, 3);
  EXPECT_EQ(count(f.trouble, "is damaged: record-damaged"), 1u) << f.trouble;
  EXPECT_EQ(f.text, "");
}

TEST(follow, bytes_that_are_wrong_for_a_moment_only_are_no_damage) {
  GrowingLog g;
  const LogDirectory directory(g.log.segments);
  const Bytes call = g.call();
  Bytes wrong = call;
  wrong[260] ^= 1;
  const auto size = std::filesystem::file_size(directory.segment(0));
  const Followed f = follow(directory, {[&] { directory.append(0, wrong); },
                                        [&] {
                                          std::filesystem::resize_file(directory.segment(0), size);
                                          directory.append(0, call);
                                        }});
  EXPECT_EQ(f.code, 0) << f.trouble;
  EXPECT_EQ(count(f.text, "#"), 2u);
}

TEST(follow, what_begins_no_frame_is_where_it_stops) {
  GrowingLog g;
  const LogDirectory directory(g.log.segments);
  const Bytes garbage(300, 0x55);
  const Followed f = follow(directory, {[&] { directory.append(0, garbage); }, [] {}, [] {}, [] {}, [] {}, [] {}});
  EXPECT_EQ(f.code, 3);
  EXPECT_LT(f.waits, 5u);
  EXPECT_EQ(count(f.trouble, "!! stopped at 00000000.cmlog offset"), 1u) << f.trouble;
}

TEST(follow, a_torn_tail_that_the_next_writer_cuts_off_is_nothing) {
  GrowingLog g;
  const LogDirectory directory(g.log.segments);
  const Bytes torn(g.log.segments[0].begin(), g.log.segments[0].begin() + 150);
  const auto size = std::filesystem::file_size(directory.segment(0));
  const Bytes call = g.call();
  const Followed f = follow(directory, {[&] { directory.append(0, torn); }, [] {},
                                        [&] { std::filesystem::resize_file(directory.segment(0), size); },
                                        [&] { directory.append(0, call); }});
  EXPECT_EQ(f.code, 0);
  EXPECT_EQ(count(f.text, "#"), 2u);
  EXPECT_EQ(f.trouble, "");
}

TEST(follow, a_log_that_became_shorter_or_went_away_is_told) {
  GrowingLog g;
  const LogDirectory shorter(g.log.segments);
  const Followed f = follow(shorter, {[&] { std::filesystem::resize_file(shorter.segment(0), 500); }});
  EXPECT_EQ(f.code, 3);
  EXPECT_EQ(f.trouble, "!! 00000000.cmlog is shorter than what was read of it\n");
  const LogDirectory gone(g.log.segments);
  const Followed h = follow(gone, {[&] { std::filesystem::remove(gone.segment(0)); }});
  EXPECT_EQ(h.code, 2);
  EXPECT_EQ(h.trouble, "!! 00000000.cmlog is not there any more\n");
}

TEST(follow, filters_choose_and_an_exit_finds_its_entry_in_what_was_there) {
  GrowingLog g;
  const auto records = g.client.rings[1].call(EventId::kVersion);
  g.log.batch({records[0]});
  const LogDirectory directory(g.log.segments);
  const size_t before = g.log.segments[0].size();
  g.log.batch({records[1]});
  g.call();
  const Bytes more = g.tail(before);
  verify::FollowOptions options;
  options.filter.events = {*verify::events_by_name("version")};
  options.filter.results = {{0, INT32_MAX}};
  const Followed f = follow(directory, {[&] { directory.append(0, more); }}, options);
  EXPECT_EQ(f.code, 0);
  EXPECT_EQ(count(f.text, "version entry"), 1u) << f.text;
  EXPECT_EQ(count(f.text, "version exit"), 1u) << f.text;
  EXPECT_EQ(count(f.text, "\n"), 2u) << f.text;
}

TEST(follow, an_output_that_fails_is_two) {
  GrowingLog g;
  const LogDirectory directory(g.log.segments);
  ScriptedWaiter waiter({});
  verify::DirectorySource source;
  Report report;
  ASSERT_TRUE(source.open(directory.path(), report));
  verify::FollowOptions options;
  options.from_start = true;
  const auto refuse = [](std::string_view) { return false; };
  EXPECT_EQ(verify::follow_log(source, options, waiter, refuse, refuse), 2);
}

// Process: the program, with a pipe for its standard output.
class Process {
 public:
  explicit Process(const std::vector<std::string>& arguments) {
    int fds[2];
    EXPECT_EQ(pipe2(fds, O_CLOEXEC), 0);
    out_ = fds[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    std::vector<std::string> words = {CM_AUDIT_PROGRAM};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    EXPECT_EQ(posix_spawn(&pid_, CM_AUDIT_PROGRAM, &actions, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(fds[1]);
  }
  ~Process() {
    close_output();
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // read_until: more of the output, until part is in it or nothing came for twenty seconds.
  bool read_until(const std::string& part) {
    while (text_.find(part) == std::string::npos) {
      pollfd fd = {out_, POLLIN, 0};
      char buffer[4096];
      if (poll(&fd, 1, 20'000) <= 0) return false;
      const ssize_t n = read(out_, buffer, sizeof buffer);
      if (n <= 0) return false;
      text_.append(buffer, static_cast<size_t>(n));
    }
    return true;
  }
  void close_output() {
    if (out_ >= 0) close(out_);
    out_ = -1;
  }
  void signal(int number) const { kill(pid_, number); }
  int exit_code() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  const std::string& text() const { return text_; }

 private:
  pid_t pid_ = -1;
  int out_ = -1;
  std::string text_;
};

TEST(follow_program, prints_at_once_what_comes_until_it_is_told_to_stop) {
  for (const int number : {SIGINT, SIGTERM}) {
    GrowingLog g;
    const LogDirectory directory(g.log.segments);
    Process process({"follow", directory.path(), "--from-start"});
    ASSERT_TRUE(process.read_until("#1 ")) << process.text();
    const Bytes call = g.call();
    directory.append(0, first(call, 300));
    directory.append(0, rest(call, 300));
    ASSERT_TRUE(process.read_until("#3 ")) << process.text();
    g.log.next_in_new_segment = true;
    g.call();
    directory.append(1, g.log.segments[1]);
    ASSERT_TRUE(process.read_until("#5 ")) << process.text();
    process.signal(number);
    EXPECT_EQ(process.exit_code(), 0);
  }
}

TEST(follow_program, ends_with_the_log) {
  GrowingLog g;
  const LogDirectory directory(g.log.segments);
  Process process({"follow", "--json", directory.path(), "--from-start"});
  ASSERT_TRUE(process.read_until("\"record\":1,")) << process.text();
  directory.append(0, g.end());
  EXPECT_EQ(process.exit_code(), 0);
}

TEST(follow_program, notices_that_nobody_reads_it) {
  GrowingLog g;
  const LogDirectory directory(g.log.segments);
  Process process({"follow", directory.path(), "--from-start"});
  ASSERT_TRUE(process.read_until("#1 ")) << process.text();
  process.close_output();
  EXPECT_EQ(process.exit_code(), 2);
}

TEST(follow_program, exit_codes) {
  const std::string root = std::string(CM_SOURCE_DIR) + "/vectors/audit/";
  EXPECT_EQ(run_audit("follow " + root + "clean"), 0);
  EXPECT_EQ(run_audit("follow " + root + "none"), 2);
  EXPECT_EQ(run_audit("follow " + root + "clean --ring x"), 64);
  EXPECT_EQ(run_audit("follow"), 64);
}

}  // namespace
}  // namespace cm::audit::test
