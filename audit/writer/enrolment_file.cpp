// SPDX-License-Identifier: Apache-2.0
// enrolment_file.cpp: see enrolment_file.h.
#include "audit/writer/enrolment_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdio>
#include <string>

#include "audit/text.h"
#include "audit/writer/tpm.h"
#include "audit/writer/unique_fd.h"

namespace cm::audit {
namespace {

constexpr char kTemporaryName[] = ".enrolment.json.new";

std::string enrolment_text(const LogId& log_id, const Genesis& g, const Digest& head) {
  return fmt::format(
      "{{\n  \"version\": 1,\n  \"log_id\": \"{}\",\n  \"ak_public\": \"{}\",\n  \"genesis_head\": \"{}\",\n"
      "  \"reset_count\": {},\n  \"restart_count\": {},\n  \"clock_ms\": {},\n  \"nv_index\": {},\n"
      "  \"nv_name\": \"{}\",\n  \"nv_start\": {},\n  \"pcr_index\": {},\n  \"tpm_kind\": \"{}\"\n}}\n",
      hex_text(log_id), hex_text(g.ak_public), hex_text(head), g.tpm.reset_count, g.tpm.restart_count, g.tpm.clock_ms,
      g.nv_index, hex_text(g.nv_name), g.nv_start, g.pcr_index, g.tpm.kind == kTpmSoftware ? "software" : "device");
}

}  // namespace

bool enrolment_exists(int trust_fd) {
  struct stat info;
  return fstatat(trust_fd, kEnrolmentName, &info, AT_SYMLINK_NOFOLLOW) == 0;
}

Error write_enrolment(int trust_fd, const LogId& log_id, const Genesis& genesis, const Digest& genesis_head) {
  const std::string text = enrolment_text(log_id, genesis, genesis_head);
  unlinkat(trust_fd, kTemporaryName, 0);
  UniqueFd fd(openat(trust_fd, kTemporaryName, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.valid()) return system_error("cannot create the enrolment record");
  if (write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) || fchmod(fd.get(), 0644) != 0 ||
      fsync(fd.get()) != 0)
    return system_error("cannot write the enrolment record");
  if (renameat2(trust_fd, kTemporaryName, trust_fd, kEnrolmentName, RENAME_NOREPLACE) != 0)
    return system_error("cannot name the enrolment record");
  if (fsync(trust_fd) != 0) return system_error("cannot make the enrolment record durable");
  return {};
}

}  // namespace cm::audit
