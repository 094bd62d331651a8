// SPDX-License-Identifier: Apache-2.0
// privileges.h: which user the writer becomes when root starts it, and the change itself. It never keeps a capability
// and never comes back: the change is verified by trying.
#pragma once
#include <sys/types.h>

#include <string>

#include "audit/writer/directories.h"
#include "audit/writer/error.h"

namespace cm::audit {

// kFallbackId: user and group when neither --user is given nor the account exists. 65520-65533 is allocated by nobody:
// neither Debian policy (9.2.2) nor systemd (uids-gids) gives it to a user, a service or a container.
inline constexpr uid_t kFallbackId = 65521;
inline constexpr char kAccountName[] = "cryptomod-audit";

struct Account {
  uid_t uid = 0;
  gid_t gid = 0;
  bool change = false;  // whether the process has to become this account
  gid_t tpm_group = 0;  // the only other group that is kept: the TPM device's; 0 for none
};

// choose_account: --user, else the account cryptomod-audit, else kFallbackId; the caller's own when it is not root.
Error choose_account(const std::string& user, Account& out);

// give_directories: makes log, run, tpm and metrics directories and the plain files in them belong to the account.
Error give_directories(const Directories& directories, const Account& account);

// become: leaves all groups but the TPM device's and takes the account's ids for good. Only async-signal-safe calls, so
// a forked child may use it. False with errno on failure.
bool become(const Account& account);

}  // namespace cm::audit
