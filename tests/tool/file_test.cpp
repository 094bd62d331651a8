// SPDX-License-Identifier: Apache-2.0
// file_test.cpp: what happens to files: nothing is replaced unless told, nothing half-made stays, every trouble is one
// clear sentence.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/tool/runner.h"

namespace cm::tool_tests {
namespace {

namespace fs = std::filesystem;

class Files : public ToolTest {
 protected:
  void SetUp() override {
    ToolTest::SetUp();
    make_key();
    write_file(dir / "in", pattern(100'000));
    before = listing("");
  }
  void expect_failure(const Outcome& done, const std::string& words, int code = 1) const {
    EXPECT_EQ(done.exit_code, code) << done.err;
    EXPECT_TRUE(contains(done.err, words)) << "wanted: " << words << "\ngot: " << done.err;
    EXPECT_EQ(done.out, "");
  }
  Outcome seal(const std::string& in, const std::string& out) const {
    return tool({"seal", "--key", path("key"), in, out});
  }
  Outcome seal_replacing(const std::string& in, const std::string& out) const {
    return tool({"seal", "--force", "--key", path("key"), in, out});
  }
  std::vector<std::string> before;
};

TEST_F(Files, an_existing_file_stays) {
  write_file(dir / "out", pattern(10));
  expect_failure(seal(path("in"), path("out")), "exists");
  EXPECT_EQ(read_file(dir / "out"), pattern(10));
  EXPECT_EQ(seal_replacing(path("in"), path("out")).exit_code, 0);
  EXPECT_GT(fs::file_size(dir / "out"), 100'000u);
}

TEST_F(Files, a_failing_command_does_not_replace) {
  write_file(dir / "out", pattern(10));
  expect_failure(tool({"open", "--force", "--key", path("key"), path("in"), path("out")}), "is not a file sealed", 2);
  EXPECT_EQ(read_file(dir / "out"), pattern(10));
}

TEST_F(Files, no_input_is_replaced_by_its_own_result) {
  fs::create_symlink(path("in"), path("link"));
  fs::create_hard_link(path("in"), path("twin"));
  const Bytes key = read_file(dir / "key");
  for (const char* name : {"in", "link", "twin", "key"})
    expect_failure(seal_replacing(path("in"), path(name)), "is also an input");
  EXPECT_EQ(read_file(dir / "in"), pattern(100'000));
  EXPECT_EQ(read_file(dir / "key"), key);
}

TEST_F(Files, links_pipes_and_directories_are_not_replaced) {
  write_file(dir / "target", pattern(10));
  fs::create_symlink(path("target"), path("link"));
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  for (const char* name : {"link", "pipe"})
    expect_failure(seal_replacing(path("in"), path(name)), "not a regular file");
  expect_failure(seal_replacing(path("in"), "/dev/null"), "not a regular file");
  fs::create_directory(dir / "directory");
  expect_failure(seal_replacing(path("in"), path("directory")), "is a directory");
  expect_failure(seal_replacing(path("in"), path("directory/")), "is a directory");
  EXPECT_EQ(read_file(dir / "target"), pattern(10));
}

TEST_F(Files, inputs_that_cannot_be_read) {
  expect_failure(seal(path("absent"), path("out")), "cannot open '" + path("absent") + "': No such file");
  fs::create_directory(dir / "directory");
  expect_failure(seal(path("directory"), path("out")), "is a directory");
  expect_failure(seal("/proc/self/mem", path("out")), "cannot read '/proc/self/mem'");
  expect_failure(tool({"seal", "--key", path("absent"), path("in"), path("out")}), "cannot open the key file");
  EXPECT_FALSE(fs::exists(dir / "out"));
}

TEST_F(Files, a_missing_directory_is_named) {
  expect_failure(seal(path("in"), path("nowhere/out")), "the directory '" + path("nowhere") + "' does not exist");
}

TEST_F(Files, results_belong_to_the_owner_alone) {
  RunOptions open_umask;
  open_umask.in_child = [] { umask(0); };
  ASSERT_EQ(tool({"seal", "--key", path("key"), path("in"), path("out")}, open_umask).exit_code, 0);
  ASSERT_EQ(tool({"open", "--key", path("key"), path("out"), path("back")}, open_umask).exit_code, 0);
  for (const char* name : {"out", "back", "key"})
    EXPECT_EQ(fs::status(dir / name).permissions(), fs::perms::owner_read | fs::perms::owner_write) << name;
}

// SmallDisk: a full disk where the test may mount one, a file size limit elsewhere.
class SmallDisk {
 public:
  explicit SmallDisk(const fs::path& directory) : directory_(directory) {
    fs::create_directory(directory);
    mounted_ = mount("tmpfs", directory.c_str(), "tmpfs", 0, "size=2m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(directory_.c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  bool mounted() const { return mounted_; }

 private:
  fs::path directory_;
  bool mounted_ = false;
};

constexpr rlim_t kLimit = 96u << 20;  // above the shared memory of the audit

void limit_file_size() {
  constexpr rlimit limit{kLimit, kLimit};
  setrlimit(RLIMIT_FSIZE, &limit);
}

TEST_F(Files, a_full_disk) {
  const SmallDisk disk(dir / "small");
  write_file(dir / "in", pattern(disk.mounted() ? 5u << 20 : kLimit + 10));
  RunOptions options;
  if (!disk.mounted()) options.in_child = limit_file_size;
  const Outcome done = tool({"seal", "--key", path("key"), path("in"), path("small/out")}, options);
  expect_failure(done, disk.mounted() ? "the disk is full" : "file size limit");
  EXPECT_TRUE(contains(done.err, path("small/out"))) << done.err;
  EXPECT_TRUE(listing("small").empty());
}

TEST_F(Files, a_file_size_limit) {
  write_file(dir / "in", pattern(kLimit + 10));
  RunOptions options;
  options.in_child = limit_file_size;
  expect_failure(tool({"seal", "--key", path("key"), path("in"), path("out")}, options), "file size limit");
  EXPECT_EQ(listing(""), before);
}

// Where the file system knows no nameless files, nor the ways to name a file that come first.
TEST_F(Files, poorer_file_systems) {
  for (const char* missing : {"tmpfile", "tmpfile,renameat2", "tmpfile,renameat2,linkat"}) {
    SCOPED_TRACE(missing);
    RunOptions poor;
    poor.environment = {{"LD_PRELOAD", CM_POOR_FILE_SYSTEM}, {"CM_TEST_MISSING", missing}};
    write_file(dir / "taken", pattern(10));
    ASSERT_EQ(tool({"seal", "--key", path("key"), path("in"), path("out")}, poor).exit_code, 0);
    ASSERT_EQ(tool({"open", "--key", path("key"), path("out"), path("back")}, poor).exit_code, 0);
    EXPECT_EQ(read_file(dir / "back"), pattern(100'000));
    EXPECT_EQ(tool({"open", "--force", "--key", path("key"), path("in"), path("taken")}, poor).exit_code, 2);
    EXPECT_EQ(read_file(dir / "taken"), pattern(10));
    EXPECT_EQ(tool({"open", "--force", "--key", path("key"), path("out"), path("taken")}, poor).exit_code, 0);
    EXPECT_EQ(read_file(dir / "taken"), pattern(100'000));
    EXPECT_EQ(listing(""), (std::vector<std::string>{"back", "in", "key", "out", "taken"}));
    for (const char* name : {"out", "back", "taken"}) fs::remove(dir / name);
  }
}

// The name of the result is taken while the command works.
TEST_F(Files, a_result_of_somebody_else_stays) {
  for (const char* missing : {"", "tmpfile", "tmpfile,renameat2", "tmpfile,renameat2,linkat"}) {
    SCOPED_TRACE(missing);
    RunOptions poor;
    poor.environment = {{"LD_PRELOAD", CM_POOR_FILE_SYSTEM}, {"CM_TEST_MISSING", missing}};
    Child child(command({"seal", "--key", path("key"), "-", path("out")}), poor);
    ASSERT_TRUE(child.feed(pattern(3u << 20)));
    write_file(dir / "out", pattern(10));
    child.close_input();
    expect_failure(child.wait(), "exists");
    EXPECT_EQ(read_file(dir / "out"), pattern(10));
    EXPECT_EQ(listing(""), (std::vector<std::string>{"in", "key", "out"}));
    fs::remove(dir / "out");
  }
}

TEST_F(Files, a_reader_that_goes_away) {
  RunOptions options;
  options.in_child = [] {
    int ends[2];
    if (pipe(ends) != 0) _exit(125);
    close(ends[0]);
    dup2(ends[1], STDOUT_FILENO);
  };
  expect_failure(tool({"seal", "--key", path("key"), path("in"), "-"}, options), "cannot write 'standard output'");
}

TEST_F(Files, content_to_standard_output_needs_consent) {
  const Bytes bytes = sealed(pattern(100));
  write_file(dir / "sealed", bytes);
  expect_failure(tool({"open", "--key", path("key"), path("sealed"), "-"}), "--stream", 64);
}

TEST_F(Files, wrong_usage) {
  EXPECT_EQ(tool({}).exit_code, 64);
  EXPECT_EQ(tool({"seal", path("in"), path("out")}).exit_code, 64);
  EXPECT_EQ(tool({"seal", "--key", path("key"), path("in")}).exit_code, 64);
  EXPECT_EQ(tool({"unseal"}).exit_code, 64);
  EXPECT_EQ(tool({"--audit-socket", "x", "status"}).exit_code, 64);
  const Outcome help = tool({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_TRUE(contains(help.out, "/var/lib/cryptomod/log"));
}

TEST_F(Files, a_place_that_cannot_hold_the_log) {
  write_file(dir / "plain", pattern(1));
  Child child({CM_TOOL, "--audit-dir", path("plain/log"), "seal", "--key", path("key"), path("in"), path("out")}, {});
  const Outcome done = child.wait();
  expect_failure(done, path("plain/log"));
  EXPECT_TRUE(contains(done.err, "Not a directory")) << "the writer's own words are missing: " << done.err;
  EXPECT_FALSE(fs::exists(dir / "out"));
}

}  // namespace
}  // namespace cm::tool_tests
