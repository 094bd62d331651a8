// SPDX-License-Identifier: Apache-2.0
// status.h: the result type used inside the boundary and the one table that explains every result.
// The values are those of cryptomod.h: what a caller sees, what the exit record holds and what code inside
// returns is one number. The table gives name, text, errno and whether the result moves the state machine.
#pragma once
#include <cerrno>
#include <cstdint>

#include "cryptomod/cryptomod.h"

namespace cm {

enum class [[nodiscard]] Status : int32_t {
  kOk = CM_OK,
  kNotApprovedCallerIv = CM_NOT_APPROVED_CALLER_IV,
  kNotApprovedShortKey = CM_NOT_APPROVED_SHORT_KEY,
  kNotApprovedPbkdf2Input = CM_NOT_APPROVED_PBKDF2_INPUT,
  kNotApprovedAlgorithm = CM_NOT_APPROVED_ALGORITHM,
  kNotApprovedKdfInput = CM_NOT_APPROVED_KDF_INPUT,
  kNull = CM_ERR_NULL,
  kArgument = CM_ERR_ARGUMENT,
  kHandle = CM_ERR_HANDLE,
  kLength = CM_ERR_LENGTH,
  kBufferTooSmall = CM_ERR_BUFFER_TOO_SMALL,
  kOverlap = CM_ERR_OVERLAP,
  kState = CM_ERR_STATE,
  kErrorState = CM_ERR_ERROR_STATE,
  kPolicy = CM_ERR_POLICY,
  kAuth = CM_ERR_AUTH,
  kUsage = CM_ERR_USAGE,
  kNotExportable = CM_ERR_NOT_EXPORTABLE,
  kExhausted = CM_ERR_EXHAUSTED,
  kForked = CM_ERR_FORKED,
  kAudit = CM_ERR_AUDIT,
  kAuditPending = CM_ERR_AUDIT_PENDING,
  kReentry = CM_ERR_REENTRY,
  kNoMemory = CM_ERR_NO_MEMORY,
  kEntropy = CM_ERR_ENTROPY,
  kSelftest = CM_ERR_SELFTEST,
  kIntegrity = CM_ERR_INTEGRITY,
  kUnsupported = CM_ERR_UNSUPPORTED,
  kBusy = CM_ERR_BUSY,
  kRole = CM_ERR_ROLE,
  kTimeout = CM_ERR_TIMEOUT,
  kJobs = CM_ERR_JOBS,
  kSequence = CM_ERR_SEQUENCE,
};

struct StatusRow {
  int32_t code;
  int32_t errno_value;
  bool moves_to_error;  // the state machine goes to the error state
  char name[40];
  char text[120];
};

constexpr StatusRow kStatusTable[] = {
    {CM_OK, 0, false, "CM_OK", "success, approved service"},
    {CM_NOT_APPROVED_CALLER_IV, 0, false, "CM_NOT_APPROVED_CALLER_IV",
     "success, not approved: the caller chose the GCM IV"},
    {CM_NOT_APPROVED_SHORT_KEY, 0, false, "CM_NOT_APPROVED_SHORT_KEY",
     "success, not approved: MAC key or secret shorter than 112 bits"},
    {CM_NOT_APPROVED_PBKDF2_INPUT, 0, false, "CM_NOT_APPROVED_PBKDF2_INPUT",
     "success, not approved: PBKDF2 needs password >= 14, salt >= 16, output >= 14 bytes and 1000 iterations"},
    {CM_NOT_APPROVED_ALGORITHM, 0, false, "CM_NOT_APPROVED_ALGORITHM",
     "success, not approved: the algorithm is not an approved one"},
    {CM_NOT_APPROVED_KDF_INPUT, 0, false, "CM_NOT_APPROVED_KDF_INPUT",
     "success, not approved: key derivation with a hash, label or use that its standard does not allow"},
    {CM_ERR_NULL, EFAULT, false, "CM_ERR_NULL", "a required pointer is NULL"},
    {CM_ERR_ARGUMENT, EINVAL, false, "CM_ERR_ARGUMENT", "a parameter is outside its range"},
    {CM_ERR_HANDLE, EBADF, false, "CM_ERR_HANDLE",
     "the handle is not valid: never given out, destroyed, or of another kind"},
    {CM_ERR_LENGTH, EMSGSIZE, false, "CM_ERR_LENGTH", "a length is not allowed for this algorithm"},
    {CM_ERR_BUFFER_TOO_SMALL, ENOBUFS, false, "CM_ERR_BUFFER_TOO_SMALL",
     "the output buffer is too small; nothing was written"},
    {CM_ERR_OVERLAP, EINVAL, false, "CM_ERR_OVERLAP", "buffers overlap other than exactly in place"},
    {CM_ERR_STATE, ENOTCONN, false, "CM_ERR_STATE", "the module is not operational; call cm_init first"},
    {CM_ERR_ERROR_STATE, ENOTRECOVERABLE, false, "CM_ERR_ERROR_STATE",
     "the module is in the error state; cm_status names the cause"},
    {CM_ERR_POLICY, EPERM, false, "CM_ERR_POLICY", "refused: the approved-only policy is in force"},
    {CM_ERR_AUTH, EBADMSG, false, "CM_ERR_AUTH", "authentication failed"},
    {CM_ERR_USAGE, EPERM, false, "CM_ERR_USAGE", "the key may not be used for this service"},
    {CM_ERR_NOT_EXPORTABLE, EPERM, false, "CM_ERR_NOT_EXPORTABLE", "the key may not leave the module"},
    {CM_ERR_EXHAUSTED, EOVERFLOW, false, "CM_ERR_EXHAUSTED", "the key has given out all its IVs; use a new key"},
    {CM_ERR_FORKED, ECHILD, false, "CM_ERR_FORKED", "the object belongs to the parent process; make a new one"},
    {CM_ERR_AUDIT, EAGAIN, false, "CM_ERR_AUDIT",
     "refused: the call cannot be recorded (writer, disk or TPM not available)"},
    {CM_ERR_AUDIT_PENDING, EINPROGRESS, false, "CM_ERR_AUDIT_PENDING", "done, but the record is not acknowledged yet"},
    {CM_ERR_REENTRY, EDEADLK, false, "CM_ERR_REENTRY", "called from a signal handler inside another call"},
    {CM_ERR_NO_MEMORY, ENOMEM, false, "CM_ERR_NO_MEMORY",
     "no free slot in the protected arena; destroy unused objects"},
    {CM_ERR_ENTROPY, EIO, true, "CM_ERR_ENTROPY", "the entropy source failed"},
    {CM_ERR_SELFTEST, EIO, true, "CM_ERR_SELFTEST", "a self-test failed"},
    {CM_ERR_INTEGRITY, EIO, true, "CM_ERR_INTEGRITY", "the integrity test failed"},
    {CM_ERR_UNSUPPORTED, ENOTSUP, false, "CM_ERR_UNSUPPORTED", "not available in this build or on this machine"},
    {CM_ERR_BUSY, EBUSY, false, "CM_ERR_BUSY", "the context is in use by another thread"},
    {CM_ERR_ROLE, EACCES, false, "CM_ERR_ROLE", "the session's role may not use this service"},
    {CM_ERR_TIMEOUT, ETIMEDOUT, false, "CM_ERR_TIMEOUT", "the time allowed is over"},
    {CM_ERR_JOBS, EIO, false, "CM_ERR_JOBS", "one job of the batch or more failed; each has its own result"},
    {CM_ERR_SEQUENCE, EINVAL, false, "CM_ERR_SEQUENCE",
     "the context is past this step: output has begun, so nothing more goes in"},
};

constexpr const StatusRow* status_row(int32_t code) {
  for (const StatusRow& row : kStatusTable)
    if (row.code == code) return &row;
  return nullptr;
}

constexpr bool succeeded(Status s) { return static_cast<int32_t>(s) >= 0; }
constexpr int32_t to_rc(Status s) { return static_cast<int32_t>(s); }

// Result: a value or the status that explains its absence. T must be trivially copyable: no destructors run here.
template <class T>
struct [[nodiscard]] Result {
  Status status;
  T value;
  constexpr Result(Status s)
      : status(s), value{} {}  // NOLINT(google-explicit-constructor): reads as `return Status::kX`
  constexpr Result(T v) : status(Status::kOk), value(v) {}  // NOLINT(google-explicit-constructor)
  constexpr bool ok() const { return succeeded(status); }
};

}  // namespace cm
