// SPDX-License-Identifier: Apache-2.0
// c_abi_session.cpp: sessions and random bytes.
#include "crypto/module/c_abi.h"
#include "crypto/module/lanes.h"
#include "crypto/module/random.h"

namespace {
using namespace cm;  // NOLINT(google-build-using-namespace): this file is the module's C face

Status session_open(Gate& gate, cm_session* out, uint32_t role) {
  if (out == nullptr) return Status::kNull;
  *out = cm_session{0};
  cm_session made{};
  if (role != CM_ROLE_USER && role != CM_ROLE_OFFICER) return Status::kArgument;
  uint8_t id[16];
  if (const Status s = random_fill(gate.thread(), id, sizeof id); !succeeded(s)) return s;
  if (const Status s = store::open_session(id, role, &made); !succeeded(s)) return s;
  if (const Status s = gate.recheck(); !succeeded(s)) {
    static_cast<void>(store::close_session(made));
    return s;
  }
  *out = made;
  gate.set_session(id);
  gate.set_object(made.v);
  return Status::kOk;
}

Status random_bytes(ThreadState& thread, void* out, size_t out_size) {
  if (out == nullptr && out_size != 0) return Status::kNull;
  return random_fill(thread, static_cast<uint8_t*>(out), out_size);
}

}  // namespace

CM_EXPORT cm_rc cm_session_open(cm_session* out, uint32_t role) {
  ServiceRow row = service(EventId::kSessionOpen);
  // Taking the officer's role is a change of role: its entry waits for the TPM (docs/audit.md).
  if (role == CM_ROLE_OFFICER) row.release = ReleaseClass::kA;
  Gate gate(row, cm_session{0}, role, 0);
  if (!gate.open()) return gate.refused();
  return gate.leave(session_open(gate, out, role), 0, lanes().aes);
}

CM_EXPORT cm_rc cm_session_close(cm_session session) {
  Gate gate(service(EventId::kSessionClose), session, session.v, 0);
  if (!gate.open()) return gate.refused();
  return gate.leave(store::close_session(session));
}

CM_EXPORT cm_rc cm_random_bytes(cm_session session, void* out, size_t out_size) {
  Gate gate(service(EventId::kRandomBytes), session, 0, 0);
  if (!gate.open()) return gate.refused();
  return gate.leave(random_bytes(gate.thread(), out, out_size), out_size, lanes().aes);
}
