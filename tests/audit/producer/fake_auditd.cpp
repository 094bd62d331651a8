// SPDX-License-Identifier: Apache-2.0
// fake_auditd.cpp: a program with the command line of cryptomod-auditd that keeps its "log" in one file, so that it can
// be killed at any time and continued by the next one. How it misbehaves is the first word of the file <log>.behaviour:
// "error", "mute" (ends without a word), "hang" (never says ready, until it is killed), "inspect" (writes what it was
// given).
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "fake_writer.h"

namespace {

using namespace cm::audit;
using namespace cm::audit::test;

void say(int fd, const std::string& line) {
  if (write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) _exit(3);
}

// inspect: descriptors, signals, session and environment, as the test wants to see them.
void inspect(const std::string& file, char** environment) {
  std::ostringstream out;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    if (const int fd = atoi(entry.path().filename().c_str()); fcntl(fd, F_GETFD) >= 0 && fd > 3) {
      char target[256] = {};
      if (readlink(entry.path().c_str(), target, sizeof target - 1) > 0 && std::strstr(target, "/proc/") == nullptr)
        out << "descriptor " << target << "\n";
    }
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("SigBlk", 0) == 0 || line.rfind("SigIgn", 0) == 0) out << line << "\n";
  out << "session " << (getsid(0) == getpid() ? "own" : "shared") << "\n";
  for (char** e = environment; *e != nullptr; ++e) out << "environment " << *e << "\n";
  out << "directory " << std::filesystem::current_path().string() << "\n";
  std::ofstream(file) << out.str() << "end\n";
}

}  // namespace

int main(int argc, char** argv, char** environment) {
  alarm(300);  // a test that is killed leaves this process behind: it ends itself
  std::map<std::string, std::string> options;
  for (int i = 1; i + 1 < argc; ++i)
    if (std::strncmp(argv[i], "--", 2) == 0 && std::strncmp(argv[i + 1], "--", 2) != 0) options[argv[i]] = argv[i + 1];
  const int ready = atoi(options["--ready-fd"].c_str());
  const std::string log_dir = options["--log"];

  std::string behaviour;
  std::ifstream(log_dir + ".behaviour") >> behaviour;
  if (behaviour == "mute") return 0;
  if (behaviour == "error") say(ready, "error: the disk is made of cheese\n");
  if (behaviour == "error") return 1;
  while (behaviour == "hang") pause();
  if (behaviour == "inspect") inspect(log_dir + ".seen", environment);

  mkdir(log_dir.c_str(), 0700);
  mkdir(options["--run"].c_str(), 0700);
  const std::string socket = options["--run"] + "/" + kSocketName;
  const int lock = open((options["--run"] + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    say(ready, kServedLine);
    return 0;
  }
  std::ofstream(log_dir + ".pid.new") << getpid() << std::endl;
  std::filesystem::rename(log_dir + ".pid.new", log_dir + ".pid");
  FakeLog log(log_dir + "/records");
  FakeWriter writer(socket, log);
  say(ready, kReadyLine);
  close(ready);
  while (!writer.ended) usleep(1000);
  for (const std::string& complaint : log.complaints())
    std::ofstream(log_dir + ".complaints", std::ios::app) << complaint << "\n";
  return 0;
}
