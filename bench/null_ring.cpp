// SPDX-License-Identifier: Apache-2.0
// null_ring.cpp: the implementation of audit/producer/producer.h that records nothing and always agrees. It exists to
// measure what the audit costs, and so that a fuzzing campaign is not spent on records: it is linked into the copies of
// the module for the benches and for the fuzz targets, and must never be installed or linked into anything else. The
// product has no switch that leads here.
#include "audit/producer/producer.h"

namespace cm::audit {
namespace {

constinit AuditInfo null_info{};

}  // namespace

Status begin(Port&, const Call&) { return Status::kOk; }
void end(Port&, const Call&, Status, uint64_t) {}
Status settle(Port&, uint64_t) { return Status::kOk; }
Status sync(Port&, bool, uint32_t, uint32_t) { return Status::kOk; }
Status event(uint32_t, uint32_t, uint64_t, uint64_t, uint64_t) { return Status::kOk; }
Status call_event(const Port&, const Call&, EventId, uint64_t, uint32_t) { return Status::kOk; }
uint64_t wait_deadline() { return 0; }
void interrupt_waits() {}
uint32_t wait_interrupts() { return 0; }
void count_refused() {}
void port_close(Port& port) { port = Port{}; }

Status attach(const AttachConfig&) {
  null_info.state = AuditState::kConnected;
  return Status::kOk;
}
Status detach() {
  null_info.state = AuditState::kNone;
  return Status::kOk;
}
Status fork_child(bool) { return Status::kOk; }
void info(AuditInfo& out) { out = null_info; }

size_t last_writer_error(char* out, size_t out_size) {
  if (out_size != 0) out[0] = 0;
  return 0;
}

}  // namespace cm::audit
