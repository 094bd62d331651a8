/* SPDX-License-Identifier: Apache-2.0
 *
 * audit_record.h: the frozen layout of one audit record: 64 bytes, little endian, one cache line, one SHA-256 block.
 * Bytes 0 to 31 are promised never to change meaning. docs/audit-format.md explains every field.
 */
#ifndef CRYPTOMOD_AUDIT_RECORD_H
#define CRYPTOMOD_AUDIT_RECORD_H

#include <stdint.h>

#define CM_AUDIT_RECORD_SIZE 64
#define CM_AUDIT_EXIT 0x80000000u

typedef struct {
  uint32_t event_id;      /*  0  audit/events.h; bit 31 set = exit of a service */
  uint32_t return_code;   /*  4  two's complement cm_rc on exit; 0 on entry */
  uint64_t time_ns;       /*  8  nanoseconds since 1970-01-01 UTC, estimated */
  uint8_t session_id[16]; /* 16  zero where there is no session */
  uint32_t ring_id;       /* 32  assigned by the writer */
  uint32_t ring_seq;      /* 36  low half of the gapless number of this record in its ring */
  uint64_t object;        /* 40  handle the call was about, 0 when none; never a secret */
  uint64_t detail;        /* 48  entry: bytes in. exit: bits 0-39 bytes out, 40-47 lane, 48-63 indicator reason */
  uint64_t seal;          /* 56  forward-secure MAC of the producer; 0 when the client announced no seals */
} cm_audit_record;

#endif
