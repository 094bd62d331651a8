// SPDX-License-Identifier: Apache-2.0
// runner.h: runs the cryptomod tool as a user does and keeps what it says; and a directory for the files of one test.
// It must not link the tool's code: these tests see what a user sees.
#pragma once
#include <gtest/gtest.h>
#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace cm::tool_tests {

using Bytes = std::vector<uint8_t>;

Bytes read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, const Bytes& bytes, unsigned mode = 0600);
// pattern: bytes that differ from place to place and from seed to seed.
Bytes pattern(size_t size, uint32_t seed = 1);

struct Outcome {
  int exit_code = 0;  // 128 + n when signal n ended it
  std::string out;
  std::string err;
};

struct RunOptions {
  Bytes input;                                     // standard input
  std::map<std::string, std::string> environment;  // replaces variables
  std::function<void()> in_child;                  // before the program starts; system calls only
};

// Child: a program that runs; standard input stays open until close_input.
class Child {
 public:
  Child(const std::vector<std::string>& arguments, const RunOptions& options);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  pid_t pid() const { return pid_; }
  // feed: returns when the program took all but what a pipe holds. False when it takes no more.
  bool feed(const Bytes& bytes) const;
  void close_input();
  Outcome wait();

 private:
  pid_t pid_ = -1;
  int input_ = -1;
  int out_ = -1;  // unlinked temporary files, so that the program never waits for a reader
  int err_ = -1;
};

// ToolTest: a temporary directory, an audit log in it, and an unprotected key.
class ToolTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // tool: runs the tool with the log of this test.
  Outcome tool(std::vector<std::string> arguments, const RunOptions& options = {}) const;
  std::vector<std::string> command(std::vector<std::string> arguments) const;
  std::string path(const std::string& name) const { return (dir / name).string(); }
  // listing: names in a directory of this test, sorted, without log, tpm and trust directories.
  std::vector<std::string> listing(const std::string& name) const;
  void make_key(const std::string& name = "key") const;
  // sealed: the sealed form of these bytes under a key file of this test.
  Bytes sealed(const Bytes& content, const std::string& key = "key") const;

  std::filesystem::path dir;
};

// wait_for_writer: until the writer that works in this run directory has ended. One whose client was killed goes on for
// some seconds and needs its directories to end well.
bool wait_for_writer(const std::filesystem::path& run_directory);

bool contains(const std::string& text, const std::string& part);

}  // namespace cm::tool_tests
