// SPDX-License-Identifier: Apache-2.0
// probes.h: points in the module and in the writer at which a tracer (perf, bpftrace, SystemTap) can look on: USDT
// probes of <sys/sdt.h>. Each is one nop and a note in the file. docs/audit-service.md has what they say; a test holds
// that table against the notes. They are no evidence and carry no secret: numbers of records, frames and time.
#pragma once
#include <sys/sdt.h>

// clang-format off: a probe a line
// The module: a call is recorded. handle: of key or session, as in the record.
#define CM_PROBE_SERVICE_ENTRY(event_id, handle, bytes_in)       DTRACE_PROBE3(cryptomod, service_entry, event_id, handle, bytes_in)
#define CM_PROBE_SERVICE_EXIT(event_id, handle, result, detail)  DTRACE_PROBE4(cryptomod, service_exit, event_id, handle, result, detail)
// The writer: records were taken out of the rings; a frame is durable; its head is in the PCR; an anchor was taken.
#define CM_PROBE_RINGS_DRAINED(records)                          DTRACE_PROBE1(cryptomod, rings_drained, records)
#define CM_PROBE_FRAME_DURABLE(type, frame_seq, records, ns)     DTRACE_PROBE4(cryptomod, frame_durable, type, frame_seq, records, ns)
#define CM_PROBE_PCR_EXTENDED(frame_seq, ns)                     DTRACE_PROBE2(cryptomod, pcr_extended, frame_seq, ns)
#define CM_PROBE_ANCHOR_TAKEN(frame_seq, ns)                     DTRACE_PROBE2(cryptomod, anchor_taken, frame_seq, ns)
// clang-format on
