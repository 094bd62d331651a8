// SPDX-License-Identifier: Apache-2.0
// runner.cpp: see runner.h.
#include "tests/tool/runner.h"
#include "tests/support/remove_directory.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

namespace cm::tool_tests {

namespace fs = std::filesystem;

Bytes read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

void write_file(const fs::path& path, const Bytes& bytes, unsigned mode) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  out.close();
  EXPECT_EQ(chmod(path.c_str(), mode), 0);
}

Bytes pattern(size_t size, uint32_t seed) {
  Bytes bytes(size);
  uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
  for (uint8_t& b : bytes) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    b = static_cast<uint8_t>(state >> 56);
  }
  return bytes;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

namespace {

int capture_file() { return memfd_create("captured", MFD_CLOEXEC); }

std::string captured(int fd) {
  std::string text;
  std::array<char, 65536> part{};
  off_t offset = 0;
  for (ssize_t n = 0; (n = pread(fd, part.data(), part.size(), offset)) > 0; offset += n)
    text.append(part.data(), static_cast<size_t>(n));
  return text;
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& changes) {
  std::vector<std::string> variables;
  for (char** v = environ; *v != nullptr; ++v) {
    const std::string name = std::string(*v).substr(0, std::string(*v).find('='));
    if (changes.count(name) == 0) variables.emplace_back(*v);
  }
  for (const auto& [name, value] : changes) variables.push_back(std::string(name).append("=").append(value));
  return variables;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> list;
  list.reserve(strings.size() + 1);
  for (std::string& s : strings) list.push_back(s.data());
  list.push_back(nullptr);
  return list;
}

}  // namespace

Child::Child(const std::vector<std::string>& arguments, const RunOptions& options)
    : out_(capture_file()), err_(capture_file()) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  signal(SIGPIPE, SIG_IGN);
  std::vector<std::string> words = arguments;
  std::vector<std::string> variables = environment_with(options.environment);
  const auto argv = pointers(words);
  const auto envp = pointers(variables);
  pid_ = fork();
  if (pid_ == 0) {
    signal(SIGPIPE, SIG_DFL);
    dup2(ends[0], STDIN_FILENO);
    dup2(out_, STDOUT_FILENO);
    dup2(err_, STDERR_FILENO);
    if (options.in_child) options.in_child();
    execve(argv[0], argv.data(), envp.data());
    _exit(126);
  }
  close(ends[0]);
  input_ = ends[1];
}

Child::~Child() {
  close_input();
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(out_);
  close(err_);
}

bool Child::feed(const Bytes& bytes) const {
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t n = write(input_, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno != EINTR) return false;
    if (n > 0) done += static_cast<size_t>(n);
  }
  return true;
}

void Child::close_input() {
  if (input_ >= 0) close(input_);
  input_ = -1;
}

Outcome Child::wait() {
  Outcome outcome;
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.out = captured(out_);
  outcome.err = captured(err_);
  return outcome;
}

void ToolTest::SetUp() {
  std::string name = (fs::temp_directory_path() / "cryptomod-tool.XXXXXX").string();
  ASSERT_NE(mkdtemp(name.data()), nullptr);
  dir = name;
}

bool wait_for_writer(const fs::path& run_directory) {
  const int lock = open((run_directory / "auditd.lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (lock < 0) return true;
  bool ended = false;
  for (int i = 0; i < 300 && !ended; ++i) {
    ended = flock(lock, LOCK_EX | LOCK_NB) == 0;
    if (!ended) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  close(lock);
  return ended;
}

void ToolTest::TearDown() {
  for (const char* run_directory : {"audit.run", "demo/log.run"})
    EXPECT_TRUE(wait_for_writer(dir / run_directory)) << "a writer does not end";
  cm::test::remove_directory(dir);
}

std::vector<std::string> ToolTest::command(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {CM_TOOL, "--audit-dir", path("audit")});
  return arguments;
}

Outcome ToolTest::tool(std::vector<std::string> arguments, const RunOptions& options) const {
  Child child(command(std::move(arguments)), options);
  child.feed(options.input);
  child.close_input();
  return child.wait();
}

std::vector<std::string> ToolTest::listing(const std::string& name) const {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(dir / name))
    if (entry.path().filename().string().rfind("audit", 0) != 0) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

void ToolTest::make_key(const std::string& name) const {
  const Outcome made = tool({"keygen", "--no-passphrase", path(name)});
  ASSERT_EQ(made.exit_code, 0) << made.err;
}

Bytes ToolTest::sealed(const Bytes& content, const std::string& key) const {
  write_file(dir / "content", content);
  const Outcome done = tool({"seal", "--force", "--key", path(key), path("content"), path("content.sealed")});
  EXPECT_EQ(done.exit_code, 0) << done.err;
  Bytes bytes = read_file(dir / "content.sealed");
  fs::remove(dir / "content");
  fs::remove(dir / "content.sealed");
  return bytes;
}

}  // namespace cm::tool_tests
