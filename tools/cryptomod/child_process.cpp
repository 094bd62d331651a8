// SPDX-License-Identifier: Apache-2.0
// child_process.cpp: see child_process.h.
#include "tools/cryptomod/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "tools/cryptomod/failure.h"
#include "tools/cryptomod/files.h"

namespace cm::tool {
namespace {

// SpawnSetup: standard output into the pipe, and default signals (this program ignores two of them).
class SpawnSetup {
 public:
  SpawnSetup(int output_fd, ChildErrors errors) {
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output_fd, STDOUT_FILENO);
    if (errors == ChildErrors::kDropped)
      posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&attributes);
    sigset_t ignored;
    sigemptyset(&ignored);
    sigaddset(&ignored, SIGPIPE);
    sigaddset(&ignored, SIGXFSZ);
    posix_spawnattr_setsigdefault(&attributes, &ignored);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;

  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
};

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> part{};
  for (;;) {
    const ssize_t n = read(fd, part.data(), part.size());
    if (n < 0 && errno == EINTR) continue;  // the child got the terminal's signal too and ends by itself
    if (n <= 0) return text;
    text.append(part.data(), static_cast<size_t>(n));
  }
}

int wait_for(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) fail_errno("cannot wait for a program", errno);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

ChildResult run_child(const std::vector<std::string>& arguments, ChildErrors errors) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) fail_errno("cannot make a pipe", errno);
  const FileDescriptor reader(ends[0]);
  FileDescriptor writer(ends[1]);
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const SpawnSetup setup(writer.get(), errors);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, argv[0], &setup.actions, &setup.attributes, argv.data(), environ);
  if (error != 0) fail_errno("cannot run '" + arguments[0] + "'", error);
  writer.close();
  ChildResult result;
  result.output = read_all(reader.get());
  result.exit_code = wait_for(pid);
  return result;
}

std::string find_program(const std::string& name) {
  std::error_code ignored;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", ignored);
  for (const auto& directory : {self.parent_path(), std::filesystem::path(CM_INSTALL_BINDIR)}) {
    const std::string candidate = (directory / name).string();
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  fail(kExitFailed, "the program {} is neither beside this one nor in {}; install or build it", name,
       CM_INSTALL_BINDIR);
}

}  // namespace cm::tool
