// SPDX-License-Identifier: Apache-2.0
// privileges.cpp: see privileges.h.
#include "audit/writer/privileges.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include <charconv>
#include <memory>

namespace cm::audit {
namespace {

bool parse_number(const std::string& text, uid_t& out) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, out);
  return result.ec == std::errc{} && result.ptr == end && out != static_cast<uid_t>(-1);
}

// give_tree: the directory and the plain files in it; no links are followed and files with several names are left
// alone, because one of the names may be somebody else's.
Error give_tree(int dir_fd, const Account& account) {
  if (fchown(dir_fd, account.uid, account.gid) != 0)
    return system_error("cannot give a directory to the writer's user");
  const int copy = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  std::unique_ptr<DIR, int (*)(DIR*)> dir(copy < 0 ? nullptr : fdopendir(copy), closedir);
  if (!dir) return system_error("cannot list a directory");
  while (const dirent* entry = readdir(dir.get())) {
    // What is looked at is what is changed: the account may exchange names in its own directory at any moment.
    const UniqueFd file(openat(dir_fd, entry->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat info;
    if (!file.valid() || fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    if (info.st_nlink != 1 || (info.st_uid == account.uid && info.st_gid == account.gid)) continue;
    if (fchownat(file.get(), "", account.uid, account.gid, AT_EMPTY_PATH) != 0)
      return system_error(std::string("cannot give ") + entry->d_name + " to the writer's user");
  }
  return {};
}

}  // namespace

Error choose_account(const std::string& user, Account& out) {
  if (geteuid() != 0) {
    if (!user.empty()) return {"--user needs a start by root"};
    out = {geteuid(), getegid(), false, 0};
    return {};
  }
  uid_t number = 0;
  const bool numeric = parse_number(user, number);
  const passwd* entry = numeric ? getpwuid(number) : getpwnam(user.empty() ? kAccountName : user.c_str());
  if (entry != nullptr) {
    out = {entry->pw_uid, entry->pw_gid, entry->pw_uid != 0, 0};
  } else if (numeric) {
    out = {number, number, number != 0, 0};
  } else if (user.empty()) {
    out = {kFallbackId, kFallbackId, true, 0};
  } else {
    return {"there is no user " + user};
  }
  return {};
}

Error give_directories(const Directories& directories, const Account& account) {
  if (!account.change) return {};
  for (const UniqueFd* dir : {&directories.log, &directories.run, &directories.tpm, &directories.metrics})
    if (dir->valid())
      if (Error error = give_tree(dir->get(), account)) return error;
  return {};
}

bool become(const Account& account) {
  if (!account.change) return true;
  if (setgroups(account.tpm_group != 0 ? 1 : 0, &account.tpm_group) != 0 ||
      setresgid(account.gid, account.gid, account.gid) != 0 || setresuid(account.uid, account.uid, account.uid) != 0)
    return false;
  if (setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0 || geteuid() != account.uid || getegid() != account.gid) {
    errno = EPERM;
    return false;
  }
  return true;
}

}  // namespace cm::audit
