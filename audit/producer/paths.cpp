// SPDX-License-Identifier: Apache-2.0
// paths.cpp: see paths.h.
#include "audit/producer/paths.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

namespace cm::audit {
namespace {

// Where the writer's program may be, from the directory of this library.
constexpr char kPlaces[][sizeof "/" CM_WRITER_FROM_LIBRARY "/cryptomod-auditd"] = {
    "/cryptomod-auditd",
    "/" CM_WRITER_FROM_LIBRARY "/cryptomod-auditd",
};

bool executable_file(const Path& path) {
  struct stat info;
  return !path.empty() && stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0;
}

// library_directory: without a slash at its end; false when the dynamic linker does not say.
bool library_directory(Path& out) {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&find_writer), &info) == 0 || info.dli_fname == nullptr) return false;
  const char* slash = std::strrchr(info.dli_fname, '/');
  if (slash == nullptr) return false;
  Path directory;
  directory.add(info.dli_fname, static_cast<size_t>(slash - info.dli_fname) + 1);
  make_absolute(out, directory.c_str());
  return true;
}

}  // namespace

void make_absolute(Path& out, const char* path) {
  out.clear();
  if (path[0] != '/') {
    char here[kPathSize];
    if (getcwd(here, sizeof here) == nullptr) here[0] = 0;
    out.add(here).add("/");
  }
  out.add(path);
  out.drop_trailing('/');
}

void find_writer(Path& out) {
  Path directory;
  out.clear();
  if (!library_directory(directory)) return;
  for (const char* place : kPlaces) {
    out.assign(directory.c_str());
    if (executable_file(out.add(place))) return;
  }
  out.clear();
}

}  // namespace cm::audit
