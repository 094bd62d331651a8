/* SPDX-License-Identifier: Apache-2.0
 *
 * cryptomod.h: the C interface of libcryptomod, the only way into the module.
 *
 * libcryptomod is built in the style of FIPS 140-3. It is NOT validated.
 *
 * Conventions of every function below, unless its comment says otherwise
 *  - Result: 0 is success by an approved service; a value > 0 is success, NOT approved, and names the reason;
 *    a value < 0 is an error. Test with CM_SUCCEEDED. The same number stands in the exit record of the audit log.
 *  - Evidence: the call writes an entry record before it works and an exit record after it. When neither can be
 *    recorded the service is refused with CM_ERR_AUDIT and nothing is done.
 *  - Threads: every function may be called from any thread. Keys may be shared between threads. A session may be
 *    shared. A streaming context may be used by one thread at a time (a second one gets CM_ERR_BUSY).
 *  - Signal handlers: a call made from a signal handler that interrupted another call of the same thread returns
 *    CM_ERR_REENTRY; it is counted and the count is audited.
 *  - Buffers: sizes are in bytes. A pointer may be NULL only where its size is 0. A buffer that is larger than
 *    needed is fine and the rest is left alone; a smaller one gives CM_ERR_BUFFER_TOO_SMALL and is left alone.
 *  - Overlap: input and output may be the same buffer (in place), for the text of AEAD, cipher, hash and MAC. Any other
 *    overlap of an output with an input or another output, handles, sizes and structs included, gives CM_ERR_OVERLAP
 * and nothing is written.
 *  - Structs and secrets of the caller are read once, before they are checked; salts, labels and contexts of a
 *    derivation as often as its function wants them.
 *  - Lengths: what goes into one hash or MAC, or what comes out of one, is at most 2^61 - 1 bytes in all, 144 bytes for
 *    the block of a MAC key included, and all inputs of a key derivation together 1024 bytes less; more gives
 *    CM_ERR_LENGTH before any work.
 *  - Failure: after the arguments were found valid, a failing call zeroes every byte it was asked to write.
 *  - Sharing: nobody else may write to the buffers of a call, inputs included, until it returns. Text is read once
 *    to be authenticated and once to be decrypted; what another thread or process puts there in between is decrypted
 *    as if it had been authenticated. Copy what comes from shared memory first.
 *  - Fork: keys stay usable in a child process, and the limit of 2^32 random IVs holds for all processes of the
 *    family together. Sessions, streaming contexts, and keys with a counter IV do not stay usable: they return
 *    CM_ERR_FORKED there. Open a new session in the child. fork() may be called while other threads are in any call;
 *    the child's first call then brings to an end what they left half done, self-tests included. A child of a raw
 *    clone(2) gets CM_ERR_FORKED from every call.
 *  - Cancellation: a thread may be cancelled (pthread_cancel) when its cancellation type is deferred, the default:
 *    the call it is in finishes first. Asynchronous cancellation is not supported.
 *  - Keys keep the reason why they are not approved (CM_NOT_APPROVED_*): every use of such a key gives that reason,
 *    unless it has one of its own, and CM_POLICY_APPROVED_ONLY refuses it.
 *  - End of service: when the module leaves CM_STATE_OPERATIONAL while a call waits for the writer, the wait ends and
 *    the service is not done (CM_ERR_AUDIT, CM_ERR_STATE or CM_ERR_ERROR_STATE). What a call has made meanwhile is
 *    destroyed again.
 */
#ifndef CRYPTOMOD_CRYPTOMOD_H
#define CRYPTOMOD_CRYPTOMOD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_MSC_VER)
#error "libcryptomod supports ELF systems only"
#endif
#define CM_EXPORT __attribute__((visibility("default")))
#define CM_MUST_USE __attribute__((warn_unused_result))

#define CM_VERSION_MAJOR 0
#define CM_VERSION_MINOR 1
#define CM_VERSION_PATCH 0
#define CM_VERSION_STRING "0.1.0"

/* ------------------------------------------------------------------------------------------------ results */

typedef int32_t cm_rc;

#define CM_SUCCEEDED(rc) ((rc) >= 0)
#define CM_APPROVED(rc) ((rc) == 0)

enum {
  CM_OK = 0,

  /* Success, not approved: the reason. */
  CM_NOT_APPROVED_CALLER_IV = 1,    /* the caller chose the GCM IV of an encryption (IG C.H) */
  CM_NOT_APPROVED_SHORT_KEY = 2,    /* MAC key or secret below 112 bits (SP 800-131A) */
  CM_NOT_APPROVED_PBKDF2_INPUT = 3, /* password, salt, iterations or output below SP 800-132 / IG D.N */
  CM_NOT_APPROVED_ALGORITHM = 4,    /* the key's algorithm is not an approved one */
  CM_NOT_APPROVED_KDF_INPUT = 5,    /* key derivation with a hash, label or use that its standard does not allow */

  /* Errors. */
  CM_ERR_NULL = -1,             /* a required pointer is NULL */
  CM_ERR_ARGUMENT = -2,         /* a parameter has a value outside its range, or struct_size is unknown */
  CM_ERR_HANDLE = -3,           /* handle never given out, already destroyed, or of another kind */
  CM_ERR_LENGTH = -4,           /* a length the algorithm does not allow, or a sum of lengths that overflows */
  CM_ERR_BUFFER_TOO_SMALL = -5, /* output buffer smaller than the result; nothing was written */
  CM_ERR_OVERLAP = -6,          /* buffers overlap other than exactly in place */
  CM_ERR_STATE = -7,            /* module is not operational: cm_init has not succeeded, or shutdown was done */
  CM_ERR_ERROR_STATE = -8,      /* module is in the error state; see cm_status */
  CM_ERR_POLICY = -9,           /* refused by CM_POLICY_APPROVED_ONLY before any work */
  CM_ERR_AUTH = -10,            /* tag, MAC or wrapped key does not verify; outputs are zeroed */
  CM_ERR_USAGE = -11,           /* the key may not be used for this */
  CM_ERR_NOT_EXPORTABLE = -12,  /* the key may not leave the module */
  CM_ERR_EXHAUSTED = -13,       /* counter IV used up, or 2^32 seals with the key (SP 800-38D 8.3) */
  CM_ERR_FORKED = -14,          /* the object belongs to the parent process */
  CM_ERR_AUDIT = -15,           /* cannot be recorded, hence not done */
  CM_ERR_AUDIT_PENDING = -16,   /* done, but not yet acknowledged by the writer within the time allowed */
  CM_ERR_REENTRY = -17,         /* called from a signal handler inside another call of this thread */
  CM_ERR_NO_MEMORY = -18,       /* the protected arena has no free slot */
  CM_ERR_ENTROPY = -19,         /* the entropy source failed; the module is in the error state */
  CM_ERR_SELFTEST = -20,        /* a self-test failed; the module is in the error state */
  CM_ERR_INTEGRITY = -21,       /* the integrity test failed; the module is in the error state */
  CM_ERR_UNSUPPORTED = -22,     /* this build or machine does not offer it */
  CM_ERR_BUSY = -23,            /* in use by another thread: the streaming context, or control of the module */
  CM_ERR_ROLE = -24,            /* the session's role may not use this service */
  CM_ERR_TIMEOUT = -25,         /* the time the caller allowed is over */
  CM_ERR_JOBS = -26,            /* one job of the batch or more failed; each job has its own result */
  CM_ERR_SEQUENCE = -27         /* the context is past this step: output has begun, so nothing more goes in */
};

/* cm_rc_text: one sentence for a result. Never NULL; the string lives as long as the library. Not a service. */
CM_EXPORT const char* cm_rc_text(cm_rc rc);
/* cm_rc_name: the identifier, for example "CM_ERR_AUTH". Never NULL. Not a service. */
CM_EXPORT const char* cm_rc_name(cm_rc rc);
/* cm_errno: the nearest errno value of a result, 0 for success. Not a service. */
CM_EXPORT int cm_errno(cm_rc rc);

/* ------------------------------------------------------------------------------------------------ handles */

/* Handles are values. Slot and generation are checked on every use; {0} is never valid. */
typedef struct {
  uint64_t v;
} cm_session;
typedef struct {
  uint64_t v;
} cm_key;
typedef struct {
  uint64_t v;
} cm_hash;
typedef struct {
  uint64_t v;
} cm_mac;
typedef struct {
  uint64_t v;
} cm_cipher;

/* ------------------------------------------------------------------------------------------------ life cycle */

/* cm_init_params: where the evidence goes. Set struct_size to sizeof(cm_init_params) and zero the rest.
 * Either audit_socket (a writer that runs as a service), or audit_dir (a private writer is started and
 * supervised by the library). All strings are copied. */
typedef struct {
  uint32_t struct_size;
  uint32_t ring_records;    /* records per thread ring, a power of two 256..65536; 0 = 4096 */
  uint32_t ring_count;      /* threads that may be in the module at once, 1..1024; 0 = 128 */
  uint32_t wait_ms;         /* bound on every wait for the writer; 0 = 2000 */
  const char* audit_socket; /* unix socket of a running cryptomod-auditd, or NULL */
  const char* audit_dir;    /* directory of the log (segments and nothing else), created with mode 0700 */
  const char* tpm_dir;      /* state of the software TPM; NULL = "<audit_dir>.tpm"; unused with tcti */
  const char* trust_dir;    /* where a new log's enrolment.json is put; NULL = "<audit_dir>.trust" */
  const char* tcti;         /* TCTI string of another TPM, for example "device:/dev/tpmrm0"; NULL = swtpm */
  const char* writer_path;  /* cryptomod-auditd; NULL = beside the library, then the install location */
} cm_init_params;

/* cm_init: connects the module to its audit writer and makes it operational. Integrity test and self-tests of
 * every lane have run when the library was loaded; their results are the first records. In the error state
 * cm_init still connects, so that the failure is recorded, and then returns the failure.
 * Errors: CM_ERR_NULL, CM_ERR_ARGUMENT, CM_ERR_STATE (already initialised), CM_ERR_AUDIT, CM_ERR_SELFTEST,
 * CM_ERR_INTEGRITY, CM_ERR_ENTROPY. */
CM_EXPORT cm_rc cm_init(const cm_init_params* params) CM_MUST_USE;

/* cm_shutdown: zeroises every SSP as cm_zeroise does, detaches from the writer and waits until the log is closed.
 * After it only cm_init, cm_status and cm_version answer. Error: CM_ERR_STATE, CM_ERR_BUSY, CM_ERR_AUDIT_PENDING. */
CM_EXPORT cm_rc cm_shutdown(void) CM_MUST_USE;

enum {
  CM_STATE_POWER_ON = 0,
  CM_STATE_SELF_TEST = 1,
  CM_STATE_READY = 2, /* self-tests passed, not connected to a writer */
  CM_STATE_OPERATIONAL = 3,
  CM_STATE_ERROR = 4,
  CM_STATE_ZEROISED = 5, /* after cm_shutdown or cm_zeroise */
};

enum {
  CM_AUDIT_NONE = 0,      /* not connected */
  CM_AUDIT_CONNECTED = 1, /* writer alive, log durable, TPM answering */
  CM_AUDIT_LOST = 2,      /* writer gone; class A and B services wait or are refused */
  CM_AUDIT_NO_SPACE = 3,  /* the log's disk is full */
  CM_AUDIT_NO_TPM = 4,    /* log durable, TPM not answering; class A is refused */
};

/* cm_status_info: the answer of cm_status. Set struct_size before the call. */
typedef struct {
  uint32_t struct_size;
  uint32_t state;             /* CM_STATE_* */
  uint32_t audit;             /* CM_AUDIT_* */
  uint32_t policy;            /* CM_POLICY_* latched */
  int32_t error;              /* the result that led to the error state, 0 when there is none */
  char failed_test[64];       /* name of the self-test that failed, or "memory"; "entropy" also in service;
                                 "" when none did */
  char lanes[256];            /* "aes=vaes512 gcm=vaes512 sha-256=shani ...", one word an algorithm */
  uint8_t module_digest[32];  /* HMAC-SHA-256 over the loaded module */
  char tpm[32];               /* "none", "software", "device" */
  char arena[32];             /* how secrets are kept in this process: "locked", "unlocked" */
  char audit_error[192];      /* why the last connection to a writer failed, "" when it did not */
  uint8_t log_id[16];         /* identity of the log, zero while not connected */
  uint64_t load_to_ready_ns;  /* integrity and self-tests, measured at load */
  uint64_t writer_connect_ns; /* cm_init's connection to the writer */
  uint64_t keys_in_use;
  uint64_t refused_calls; /* calls that could not be recorded and were therefore refused; without re-entered ones */
  uint64_t reentered_calls;
} cm_status_info;
/* cm_status: where not even the memory for its evidence could be set up when the library was loaded, it fills *out
 * all the same (failed_test "memory") and returns CM_ERR_ERROR_STATE; every other service is refused with that. */
CM_EXPORT cm_rc cm_status(cm_status_info* out) CM_MUST_USE;

typedef struct {
  uint32_t struct_size;
  uint32_t abi;  /* 1 */
  char name[32]; /* "libcryptomod" */
  char version[32];
  char build[96]; /* compiler and configuration */
  uint8_t module_digest[32];
} cm_version_info;
CM_EXPORT cm_rc cm_version(cm_version_info* out) CM_MUST_USE;

/* cm_selftest_row: one conditional self-test of one lane. */
typedef struct {
  char name[64];
  char lane[16];
  int32_t result; /* 0 passed, else the error */
  uint32_t ns;
} cm_selftest_row;

/* cm_selftest: runs integrity and every self-test of every lane again. rows may be NULL when rows_size is 0;
 * *rows_count is the number of tests there are, at most rows_size rows are written. A failure leads to the error
 * state. session may be {0} before cm_init and in the error state. */
CM_EXPORT cm_rc cm_selftest(cm_session session, cm_selftest_row* rows, size_t rows_size,
                            size_t* rows_count) CM_MUST_USE;

enum {
  CM_POLICY_NONE = 0,
  CM_POLICY_APPROVED_ONLY = 1 /* not-approved services are refused before any work */
};
/* cm_policy_set: latches the policy; it cannot be taken back before cm_shutdown. Crypto officer, release class A. */
CM_EXPORT cm_rc cm_policy_set(cm_session session, uint32_t policy) CM_MUST_USE;

/* cm_zeroise: destroys all keys, contexts and random generator states, then the module is CM_STATE_ZEROISED; only
 * cm_shutdown, cm_status and cm_version answer. Acts first: keys and contexts are gone when the longest running call
 * that uses one is over, generator states when the longest running call of any kind is over; calls that wait for the
 * writer are told to stop. Then it records the keys and waits for the evidence, at most wait_ms together; what finds no
 * room in the log by then is counted in the next calls-refused record, and the result is CM_ERR_AUDIT_PENDING.
 * CM_ERR_BUSY when another thread is in cm_init, cm_shutdown, cm_zeroise or cm_selftest: nothing is done. Crypto
 * officer. */
CM_EXPORT cm_rc cm_zeroise(cm_session session) CM_MUST_USE;

/* cm_audit_sync: returns when every record that this thread produced before is acknowledged (durable), and with
 * anchored != 0 also extended into the TPM. timeout_ms is at most 600000. Errors: CM_ERR_TIMEOUT, CM_ERR_AUDIT;
 * CM_ERR_STATE or CM_ERR_ERROR_STATE when the module leaves its operational state meanwhile. */
CM_EXPORT cm_rc cm_audit_sync(cm_session session, int anchored, uint32_t timeout_ms) CM_MUST_USE;

/* ------------------------------------------------------------------------------------------------ sessions */

enum { CM_ROLE_USER = 1, CM_ROLE_OFFICER = 2 };

/* cm_session_open: a session with a random 16-byte id that stands in every record made under it. Roles are
 * assumed implicitly (level 1). Release class A for the officer, B for a user. */
CM_EXPORT cm_rc cm_session_open(cm_session* out, uint32_t role) CM_MUST_USE;
CM_EXPORT cm_rc cm_session_close(cm_session session) CM_MUST_USE;

/* ------------------------------------------------------------------------------------------------ keys */

/* A key is for one algorithm and one mode: what it may be used with is fixed when it is made. AES keys have 128, 192 or
 * 256 bits, except where a line says otherwise. */
enum {
  CM_ALG_AES_GCM = 1,     /* SEAL, OPEN; SP 800-38D */
  CM_ALG_AES_KWP = 2,     /* WRAP, UNWRAP; SP 800-38F 6.3 */
  CM_ALG_HMAC_SHA256 = 3, /* 8..4096 bit in whole bytes; MAC, VERIFY; FIPS 198-1 */
  CM_ALG_AES_ECB = 4,     /* this and what follows: ENCRYPT, DECRYPT; SP 800-38A */
  CM_ALG_AES_CBC = 5,     /* whole blocks; padding is the caller's */
  CM_ALG_AES_CBC_CS1 = 6, /* ciphertext stealing, addendum to SP 800-38A; 16 bytes at least */
  CM_ALG_AES_CBC_CS2 = 7, /* the same; the last two blocks change places where the last is short */
  CM_ALG_AES_CBC_CS3 = 8, /* the same; they always do (Kerberos, RFC 3962) */
  CM_ALG_AES_CTR = 9,     /* one 128-bit big-endian counter; no counter block twice with a key */
  CM_ALG_AES_CFB128 = 10,
  CM_ALG_AES_CFB8 = 11,
  CM_ALG_AES_OFB = 12,
  CM_ALG_AES_XTS =
      13, /* 256 or 512 bits: data key, then tweak key, which must differ (CM_ERR_ARGUMENT); SP 800-38E, storage only */
  CM_ALG_AES_CCM = 14,           /* SEAL, OPEN; SP 800-38C */
  CM_ALG_AES_CMAC = 15,          /* MAC, VERIFY; SP 800-38B */
  CM_ALG_AES_KW = 16,            /* WRAP, UNWRAP; SP 800-38F 6.2, for keys of whole 8 bytes, 16 at least */
  CM_ALG_AES_GMAC = 17,          /* SEAL, OPEN with additional data only, no text; SP 800-38D */
  CM_ALG_CHACHA20_POLY1305 = 18, /* 256 bits; SEAL, OPEN; RFC 8439; not approved */
  CM_ALG_AES_GCM_SIV = 19, /* 128, 256 bits; SEAL, OPEN; RFC 8452; not approved; an IV that repeats shows no more than
                              that the message was the same */
  CM_ALG_HMAC_SHA1 = 20,   /* this and what follows: 8..4096 bit in whole bytes; MAC, VERIFY; FIPS 198-1 */
  CM_ALG_HMAC_SHA224 = 21,
  CM_ALG_HMAC_SHA384 = 22,
  CM_ALG_HMAC_SHA512 = 23,
  CM_ALG_HMAC_SHA512_224 = 24,
  CM_ALG_HMAC_SHA512_256 = 25,
  CM_ALG_HMAC_SHA3_224 = 26,
  CM_ALG_HMAC_SHA3_256 = 27,
  CM_ALG_HMAC_SHA3_384 = 28,
  CM_ALG_HMAC_SHA3_512 = 29,
  CM_ALG_KMAC128 = 30, /* SP 800-185; the length of the MAC is hashed with the message */
  CM_ALG_KMAC256 = 31,
  CM_ALG_KMACXOF128 = 32, /* the same without the length: a short MAC is the beginning of a longer one */
  CM_ALG_KMACXOF256 = 33,
  CM_ALG_SECRET = 34, /* 8..4096 bit in whole bytes; DERIVE: what key agreement gives and keys are derived from. Use
                         one with one function of key derivation only */
};
enum {
  CM_USE_SEAL = 1u << 0,
  CM_USE_OPEN = 1u << 1,
  CM_USE_WRAP = 1u << 2,
  CM_USE_UNWRAP = 1u << 3,
  CM_USE_MAC = 1u << 4,
  CM_USE_VERIFY = 1u << 5,
  CM_USE_ENCRYPT = 1u << 6,
  CM_USE_DECRYPT = 1u << 7,
  CM_USE_DERIVE = 1u << 8,
};
/* How the IVs of cm_aead_seal are made, always 12 bytes. */
enum {
  CM_IV_RANDOM = 0,  /* 96-bit from the random generator; at most 2^32 seals a key, those with a caller's IV included,
                        in this process, its parents and its children together (SP 800-38D 8.2.2, 8.3) */
  CM_IV_COUNTER = 1, /* 32-bit fixed name, 64-bit counter kept by the module (8.2.1); only for keys that are
                        generated inside and not exportable. No counter is given out twice; a thread takes them in runs,
                        so they ascend within a run and not over all threads, and some may never be used */
  CM_IV_TLS12 = 2,   /* 32-bit salt, 64-bit sequence number 0, 1, 2, ... (RFC 5288 3, RFC 6655 3): the last 8 bytes of
                        the IV are the explicit nonce of the record */
  CM_IV_TLS13 = 3 /* 96-bit static IV xor the 64-bit sequence number 0, 1, 2, ... (RFC 8446 5.3; RFC 7905 for TLS 1.2).
                     Both TLS regimes: the key is that of one direction of one connection, comes from the handshake (is
                     imported, or derived as cm_kdf_derive says) and is not exportable; one that is made twice repeats
                     IVs, which is the caller's fault. A seal that fails after its sequence number was taken ends the
                     connection. Seal from one thread at a time, for records go out in the order of their numbers (IG
                     C.H, scenario 1) */
};
enum { CM_KEY_EXPORTABLE = 1u << 0 };

/* cm_key_params: attributes of a key, fixed for its life. Set struct_size and zero the rest. */
typedef struct {
  uint32_t struct_size;
  uint32_t algorithm;   /* CM_ALG_* */
  uint32_t bits;        /* key length; 0 on import = the length given */
  uint32_t usage;       /* CM_USE_*; 0 = all that fit the algorithm */
  uint32_t flags;       /* CM_KEY_* */
  uint32_t iv_regime;   /* CM_IV_*; keys for SEAL only */
  uint8_t iv_fixed[12]; /* CM_IV_COUNTER: the name, 4 bytes; CM_IV_TLS12: the salt, 4 bytes; CM_IV_TLS13: the static IV;
                           unused bytes are zero */
} cm_key_params;

CM_EXPORT cm_rc cm_key_generate(cm_session session, cm_key* out, const cm_key_params* params) CM_MUST_USE;
/* cm_key_import: a key in the clear. It has no history in the module: that it was made and kept as it should be is the
 * importer's statement. CM_NOT_APPROVED_SHORT_KEY for a MAC key below 112 bits. */
CM_EXPORT cm_rc cm_key_import(cm_session session, cm_key* out, const cm_key_params* params, const void* key,
                              size_t key_size) CM_MUST_USE;
/* cm_key_destroy: zeroises the key and ends the contexts made with it (CM_ERR_HANDLE from then on). Calls that
 * are using them in other threads finish first, and of batches the jobs that are being worked (16 MiB at most, or one).
 */
CM_EXPORT cm_rc cm_key_destroy(cm_session session, cm_key key) CM_MUST_USE;

/* cm_key_export_wrapped: the key under wrapping_key, which says how: AES-KWP, or AES-KW for a key of whole 8 bytes and
 * 16 at least, else CM_ERR_LENGTH. *out_size is set on success and with CM_ERR_BUFFER_TOO_SMALL: key length rounded up
 * to 8, plus 8; else it is 0 and, unless key is no valid handle, as many bytes of out are zeroed. Not approved when the
 * wrapping key is not, or else when the key is not: the wrapped form does not say so. Release class A. */
CM_EXPORT cm_rc cm_key_export_wrapped(cm_session session, cm_key key, cm_key wrapping_key, void* out,
                                      size_t out_capacity, size_t* out_size) CM_MUST_USE;
/* cm_key_import_wrapped: the reverse; attributes come from params. One failure code: CM_ERR_AUTH. The result reports
 * the key's own reason as cm_key_import does, or else the wrapping key's; the key keeps its own only. */
CM_EXPORT cm_rc cm_key_import_wrapped(cm_session session, cm_key* out, const cm_key_params* params, cm_key wrapping_key,
                                      const void* wrapped, size_t wrapped_size) CM_MUST_USE;
/* cm_key_derive_pbkdf2: PBKDF2-HMAC-SHA-256 (SP 800-132) into a key object; params->bits gives the length. The short
 * form of cm_kdf_derive with CM_KDF_PBKDF2, at least 112 bits too. Approved with password >= 14, salt >= 16 bytes and
 * iterations >= 1000. */
CM_EXPORT cm_rc cm_key_derive_pbkdf2(cm_session session, cm_key* out, const cm_key_params* params, const void* password,
                                     size_t password_size, const void* salt, size_t salt_size,
                                     uint32_t iterations) CM_MUST_USE;
typedef struct {
  uint32_t struct_size;
  uint32_t algorithm;
  uint32_t bits;
  uint32_t usage;
  uint32_t flags;
  uint32_t iv_regime;
  uint64_t seals; /* so far, those with a caller's IV included, and never fewer than there were; without counter IV by
                     all processes together, else by this one (a child cannot seal with such a key: 0) */
} cm_key_attributes;
CM_EXPORT cm_rc cm_key_info(cm_session session, cm_key key, cm_key_attributes* out) CM_MUST_USE;

/* ------------------------------------------------------------------------------------------------ AEAD */

enum { CM_AEAD_IV_SIZE = 12, CM_AEAD_TAG_SIZE_MIN = 12, CM_AEAD_TAG_SIZE_MAX = 16 };

/* The algorithm is the key's.  tag_size          iv of a caller    text at most                      not approved
 *   CM_ALG_AES_GCM             12..16            1..64             2^36 - 32                         with a caller's IV
 *   CM_ALG_AES_GMAC            12..16            1..64             none                              with a caller's IV
 *   CM_ALG_AES_CCM             4, 6, .. 16       7..13             2^(8 * (15 - iv_size)) - 1        -
 *   CM_ALG_CHACHA20_POLY1305   12..16            12                2^36 - 32                         always
 *   CM_ALG_AES_GCM_SIV         16                12                2^36 - 32 (AAD: 2^36)             always
 * Other sizes give CM_ERR_LENGTH. A caller's IV must not repeat one that was used with the key; for CCM SP 800-38C
 * leaves that to the caller. */

/* cm_aead_seal: encrypts in_size bytes to out and writes the IV made inside (12 bytes, the key's regime) and the tag.
 * Errors besides the common ones: CM_ERR_EXHAUSTED, CM_ERR_USAGE. */
CM_EXPORT cm_rc cm_aead_seal(cm_session session, cm_key key, void* out, size_t out_capacity, void* iv, size_t iv_size,
                             void* tag, size_t tag_size, const void* aad, size_t aad_size, const void* in,
                             size_t in_size) CM_MUST_USE;
/* cm_aead_seal_caller_iv: as above with the caller's IV. Refused (CM_ERR_USAGE) for keys whose regime is not
 * CM_IV_RANDOM: a caller's IV could repeat one of the module's. It counts as one of the 2^32 seals. */
CM_EXPORT cm_rc cm_aead_seal_caller_iv(cm_session session, cm_key key, void* out, size_t out_capacity, const void* iv,
                                       size_t iv_size, void* tag, size_t tag_size, const void* aad, size_t aad_size,
                                       const void* in, size_t in_size) CM_MUST_USE;
/* cm_aead_open: checks the tag and decrypts. One failure code: CM_ERR_AUTH; out is zeroed then. */
CM_EXPORT cm_rc cm_aead_open(cm_session session, cm_key key, void* out, size_t out_capacity, const void* iv,
                             size_t iv_size, const void* tag, size_t tag_size, const void* aad, size_t aad_size,
                             const void* in, size_t in_size) CM_MUST_USE;

/* ------------------------------------------------------------------------------------------------ cipher */

enum { CM_CIPHER_IV_SIZE = 16 };

/* cm_cipher_encrypt, cm_cipher_decrypt: a whole message in the key's mode, CM_ALG_AES_ECB to CM_ALG_AES_XTS; out takes
 * in_size bytes. iv: none for ECB; CBC and CFB: 16 bytes that nobody could foresee when the message was chosen; CTR:
 * the first counter block; OFB: 16 bytes never used with the key before; XTS: the tweak, the number of the data unit,
 * little endian, and in is one data unit of 16 to 2^24 bytes (2^20 blocks). ECB and CBC take whole blocks, CBC-CS1 to
 * -CS3 at least one block. CM_ERR_LENGTH for another size of IV or message. Nothing here tells whether a ciphertext was
 * changed: use cm_aead_* for what comes from outside. */
CM_EXPORT cm_rc cm_cipher_encrypt(cm_session session, cm_key key, const void* iv, size_t iv_size, void* out,
                                  size_t out_capacity, const void* in, size_t in_size) CM_MUST_USE;
CM_EXPORT cm_rc cm_cipher_decrypt(cm_session session, cm_key key, const void* iv, size_t iv_size, void* out,
                                  size_t out_capacity, const void* in, size_t in_size) CM_MUST_USE;

/* cm_cipher_encrypt_sectors, cm_cipher_decrypt_sectors: data units of sector_size bytes in a row under a key of
 * CM_ALG_AES_XTS; their tweaks are the numbers first_sector, first_sector + 1, ... in_size is a multiple of sector_size
 * (CM_ERR_LENGTH); the last number must fit 64 bits (CM_ERR_ARGUMENT). */
CM_EXPORT cm_rc cm_cipher_encrypt_sectors(cm_session session, cm_key key, uint64_t first_sector, size_t sector_size,
                                          void* out, size_t out_capacity, const void* in, size_t in_size) CM_MUST_USE;
CM_EXPORT cm_rc cm_cipher_decrypt_sectors(cm_session session, cm_key key, uint64_t first_sector, size_t sector_size,
                                          void* out, size_t out_capacity, const void* in, size_t in_size) CM_MUST_USE;

enum { CM_ENCRYPT = 1, CM_DECRYPT = 2 };

/* cm_cipher_init: a message in pieces of any size, in every mode but XTS (CM_ERR_USAGE). direction: CM_ENCRYPT or
 * CM_DECRYPT. The context ends with its key. */
CM_EXPORT cm_rc cm_cipher_init(cm_session session, cm_cipher* out, cm_key key, uint32_t direction, const void* iv,
                               size_t iv_size) CM_MUST_USE;
/* cm_cipher_update: the next piece. *out_size is what was written: in_size for the stream modes; ECB and CBC hold back
 * what does not fill a block, CBC-CS1 to -CS3 the last 17 to 32 bytes. With CM_ERR_BUFFER_TOO_SMALL *out_size is what
 * is needed (at most in_size + 31) and the piece was not taken; with any other error it is 0. out may be in. */
CM_EXPORT cm_rc cm_cipher_update(cm_session session, cm_cipher cipher, void* out, size_t out_capacity, size_t* out_size,
                                 const void* in, size_t in_size) CM_MUST_USE;
/* cm_cipher_final: writes what was held back, at most 32 bytes (CBC-CS1 to -CS3) and frees the context. CM_ERR_LENGTH
 * when the message as a whole has a size that the mode does not take. With an error the context is as before: a live
 * one stays and must be freed. */
CM_EXPORT cm_rc cm_cipher_final(cm_session session, cm_cipher cipher, void* out, size_t out_capacity,
                                size_t* out_size) CM_MUST_USE;
CM_EXPORT cm_rc cm_cipher_free(cm_session session, cm_cipher cipher) CM_MUST_USE;

/* ------------------------------------------------------------------------------------------------ hash */

/* Functions with a digest of fixed size: FIPS 180-4 and FIPS 202. The others give as much as is asked for: SHAKE
 * (FIPS 202), and cSHAKE, TupleHash and ParallelHash (SP 800-185). Of those that are called XOF, and of SHAKE and
 * cSHAKE, a short output is the beginning of a longer one; TupleHash and ParallelHash themselves hash the length with
 * the rest. */
enum {
  CM_HASH_SHA256 = 1,
  CM_HASH_SHA1 = 2,
  CM_HASH_SHA224 = 3,
  CM_HASH_SHA384 = 4,
  CM_HASH_SHA512 = 5,
  CM_HASH_SHA512_224 = 6,
  CM_HASH_SHA512_256 = 7,
  CM_HASH_SHA3_224 = 8,
  CM_HASH_SHA3_256 = 9,
  CM_HASH_SHA3_384 = 10,
  CM_HASH_SHA3_512 = 11,
  CM_HASH_SHAKE128 = 12,
  CM_HASH_SHAKE256 = 13,
  CM_HASH_CSHAKE128 = 14,
  CM_HASH_CSHAKE256 = 15,
  CM_HASH_TUPLEHASH128 = 16,
  CM_HASH_TUPLEHASH256 = 17,
  CM_HASH_TUPLEHASHXOF128 = 18,
  CM_HASH_TUPLEHASHXOF256 = 19,
  CM_HASH_PARALLELHASH128 = 20,
  CM_HASH_PARALLELHASH256 = 21,
  CM_HASH_PARALLELHASHXOF128 = 22,
  CM_HASH_PARALLELHASHXOF256 = 23
};

/* cm_hash_params: what the functions of SP 800-185 take beside the message. Set struct_size and zero the rest. */
typedef struct {
  uint32_t struct_size;
  uint32_t algorithm; /* CM_HASH_* */
  const void* name;   /* cSHAKE: the function's name N, which NIST gives out */
  size_t name_size;   /* at most 65536, as custom_size */
  const void* custom; /* cSHAKE, TupleHash, ParallelHash: the customization S */
  size_t custom_size;
  size_t block_size; /* ParallelHash: bytes of a block, at least 1 */
} cm_hash_params;

/* cm_hash_compute: the digest of a whole message: as many bytes as the function has, or of SHAKE, which needs no
 * parameters either, as many as digest_capacity says, at least 1. */
CM_EXPORT cm_rc cm_hash_compute(cm_session session, uint32_t algorithm, void* digest, size_t digest_capacity,
                                const void* in, size_t in_size) CM_MUST_USE;
/* cm_hash_init: a message in pieces. Functions of SP 800-185 begin without name and customization; ParallelHash needs a
 * block size and therefore cm_hash_init_params (CM_ERR_ARGUMENT). */
CM_EXPORT cm_rc cm_hash_init(cm_session session, cm_hash* out, uint32_t algorithm) CM_MUST_USE;
CM_EXPORT cm_rc cm_hash_init_params(cm_session session, cm_hash* out, const cm_hash_params* params) CM_MUST_USE;
/* cm_hash_copy: another context that stands where this one stands. */
CM_EXPORT cm_rc cm_hash_copy(cm_session session, cm_hash* out, cm_hash from) CM_MUST_USE;
/* cm_hash_update: the next piece; of TupleHash the next element of the tuple, whole. CM_ERR_SEQUENCE once
 * cm_hash_squeeze was called. */
CM_EXPORT cm_rc cm_hash_update(cm_session session, cm_hash hash, const void* in, size_t in_size) CM_MUST_USE;
/* cm_hash_squeeze: the next out_size bytes of output, in pieces of any size: SHAKE, cSHAKE and the XOFs; CM_ERR_USAGE
 * for the others. The context stays. */
CM_EXPORT cm_rc cm_hash_squeeze(cm_session session, cm_hash hash, void* out, size_t out_size) CM_MUST_USE;
/* cm_hash_final: writes the digest and frees the context. A function without a size of its own gives digest_capacity
 * bytes, at least 1; after cm_hash_squeeze the next ones. With an error the context is as before: a live one stays and
 * must be freed. */
CM_EXPORT cm_rc cm_hash_final(cm_session session, cm_hash hash, void* digest, size_t digest_capacity) CM_MUST_USE;
CM_EXPORT cm_rc cm_hash_free(cm_session session, cm_hash hash) CM_MUST_USE;

/* ------------------------------------------------------------------------------------------------ MAC */

/* cm_mac_compute: the MAC of a message, by the algorithm of the key: HMAC (FIPS 198-1), truncated to mac_size = 4 to
 * the bytes of its hash; AES-CMAC (SP 800-38B), truncated to 8..16 bytes; KMAC and KMACXOF (SP 800-185), 4..65536
 * bytes, with an empty customization. GMAC needs an IV: cm_aead_seal with no text. */
CM_EXPORT cm_rc cm_mac_compute(cm_session session, cm_key key, void* mac, size_t mac_size, const void* in,
                               size_t in_size) CM_MUST_USE;
/* cm_mac_verify: constant-time comparison; CM_ERR_AUTH when it differs. */
CM_EXPORT cm_rc cm_mac_verify(cm_session session, cm_key key, const void* mac, size_t mac_size, const void* in,
                              size_t in_size) CM_MUST_USE;
/* cm_mac_init: a message in pieces. The context ends with its key. */
CM_EXPORT cm_rc cm_mac_init(cm_session session, cm_mac* out, cm_key key) CM_MUST_USE;
/* cm_mac_init_custom: the same for KMAC and KMACXOF with a customization S of at most 65536 bytes; CM_ERR_USAGE for a
 * key of another algorithm. */
CM_EXPORT cm_rc cm_mac_init_custom(cm_session session, cm_mac* out, cm_key key, const void* custom,
                                   size_t custom_size) CM_MUST_USE;
CM_EXPORT cm_rc cm_mac_update(cm_session session, cm_mac mac, const void* in, size_t in_size) CM_MUST_USE;
/* cm_mac_final: writes the first out_size bytes, sizes as with cm_mac_compute, and frees the context. With an error the
 * context is as before: a live one stays and must be freed. */
CM_EXPORT cm_rc cm_mac_final(cm_session session, cm_mac mac, void* out, size_t out_size) CM_MUST_USE;
CM_EXPORT cm_rc cm_mac_free(cm_session session, cm_mac mac) CM_MUST_USE;

/* ------------------------------------------------------------------------------------------------ key derivation */

/* Functions: what they take beside secret and hash; approved with every hash, where a line does not name some, and a
 * secret of 112 bits at least. */
enum {
  CM_KDF_HKDF = 1,               /* salt, context = info; RFC 5869, SP 800-56C 5 */
  CM_KDF_HKDF_EXTRACT = 2,       /* salt; gives one digest; RFC 5869 2.2; approved into CM_ALG_SECRET only */
  CM_KDF_HKDF_EXPAND = 3,        /* context = info; RFC 5869 2.3, SP 800-108 4.2 */
  CM_KDF_TLS13_EXPAND_LABEL = 4, /* label without "tls13 ", context; RFC 8446 7.1; SHA-256, SHA-384 */
  CM_KDF_TLS13_TRAFFIC_KEY = 5,  /* nothing: a key with its static IV; RFC 8446 7.3; SHA-256, SHA-384 */
  CM_KDF_TLS12_PRF = 6, /* label, context = seed; RFC 5246 5, SP 800-135; SHA-256, -384, -512; not approved where
                           label and seed begin with "master secret": "extended master secret" is (RFC 7627) */
  CM_KDF_KBKDF = 7,     /* prf, mode, label, context; SP 800-108 */
  CM_KDF_ONE_STEP = 8,  /* prf, salt, context = FixedInfo; SP 800-56C 4 */
  CM_KDF_TWO_STEP = 9,  /* prf, salt, mode, label, context; SP 800-56C 5 */
  CM_KDF_X963 = 10,     /* context = SharedInfo; SEC 1 3.6.1, SP 800-135; SHA-224, -256, -384, -512 */
  CM_KDF_SSH = 11,      /* ssh_letter, context = exchange hash H, salt = session identifier; RFC 4253 7.2, SP 800-135;
                           SHA-1, SHA-224, -256, -384, -512 */
  CM_KDF_PBKDF2 = 12    /* iterations, salt, secret = password; SP 800-132; approved as cm_key_derive_pbkdf2 */
};
/* prf of KBKDF: HMAC, CMAC, KMAC; of ONE_STEP: HASH, HMAC, KMAC; of TWO_STEP: HMAC, CMAC. The other functions have one
 * of their own: 0. CMAC as the PRF of KBKDF takes a secret, as that of TWO_STEP a salt, of 128, 192 or 256 bits. */
enum { CM_PRF_HMAC = 1, CM_PRF_CMAC = 2, CM_PRF_KMAC128 = 3, CM_PRF_KMAC256 = 4, CM_PRF_HASH = 5 };
/* mode of KBKDF and TWO_STEP: 0 with KMAC, else one of these. */
enum { CM_KBKDF_COUNTER = 1, CM_KBKDF_FEEDBACK = 2, CM_KBKDF_DOUBLE_PIPELINE = 3 };
/* Where the counter stands: before the label and after what is fed back; behind everything; behind the label; before
 * what is fed back (feedback and double pipeline only). */
enum { CM_COUNTER_BEFORE = 0, CM_COUNTER_AFTER = 1, CM_COUNTER_MIDDLE = 2, CM_COUNTER_FIRST = 3 };
enum {
  CM_KDF_NO_SEPARATOR = 1u << 0, /* KBKDF, TWO_STEP: no byte of zero between label and context */
  CM_KDF_NO_LENGTH = 1u << 1,    /* the same: not the length of the output in bits, 4 bytes, behind the context */
  CM_KDF_SSH_STRING = 1u << 2,   /* SSH: the secret is hashed as a string, not as an mpint (RFC 4251 5) */
  CM_KDF_SSH_ENCODED = 1u << 3   /* SSH: the secret is encoded already: four bytes of length come first */
};

/* cm_kdf_params: a derivation. Set struct_size and zero the rest; a field that the function does not take must be zero
 * (CM_ERR_ARGUMENT). */
typedef struct {
  uint32_t struct_size;
  uint32_t function;      /* CM_KDF_* */
  uint32_t prf;           /* CM_PRF_* */
  uint32_t hash;          /* CM_HASH_* of fixed size; 0 with CMAC and KMAC */
  uint32_t mode;          /* CM_KBKDF_* */
  uint32_t counter_bits;  /* 8, 16, 24, 32; 0: no counter, which the counter mode does not allow */
  uint32_t counter_place; /* CM_COUNTER_* */
  uint32_t flags;         /* CM_KDF_* flags */
  uint32_t iterations;    /* PBKDF2, at least 1 */
  uint32_t ssh_letter;    /* 'A' to 'F' */
  uint32_t offset;        /* the key begins so many bytes into the output; both together are at most 1024 bytes */
  uint32_t iv_offset;     /* TLS12_PRF into a key of CM_IV_TLS12: where in the output its salt is */
  cm_key secret;          /* key of CM_ALG_SECRET; or {0}, and then: */
  const void* input;      /* the secret itself, at most 1024 bytes, a password of any size */
  size_t input_size;
  cm_key salt_key; /* key of CM_ALG_SECRET in place of the salt, not for SSH and PBKDF2; or {0}, and then: */
  const void* salt;
  size_t salt_size;
  const void* label;
  size_t label_size;
  const void* context;
  size_t context_size;
  const void* iv; /* feedback mode */
  size_t iv_size;
} cm_kdf_params;

/* cm_kdf_derive: into a key; params->bits gives its length, at least 112. The output has params->bits / 8 bytes, those
 * before offset besides, and it is the length of the whole that goes into functions that hash it. Not approved when the
 * derivation is not, or else when the secret or the salt_key is not: the new key keeps that reason. IV regime:
 * CM_IV_RANDOM, but for CM_IV_TLS13, which TLS13_TRAFFIC_KEY asks for, and CM_IV_TLS12, which TLS12_PRF may have;
 * iv_fixed is zero then and is derived too. What comes from a key that is not CM_KEY_EXPORTABLE, secret or salt_key,
 * cannot be that either (CM_ERR_NOT_EXPORTABLE). Release class B. Errors besides the common ones: CM_ERR_USAGE (not a
 * key to derive from), CM_ERR_NO_MEMORY (no place for another key), CM_ERR_LENGTH also where HKDF_EXTRACT is to give
 * anything but one digest.
 */
CM_EXPORT cm_rc cm_kdf_derive(cm_session session, cm_key* out, const cm_key_params* params,
                              const cm_kdf_params* kdf) CM_MUST_USE;
/* cm_kdf_derive_raw: out_size bytes of output in the clear. Crypto officer, release class A, as for everything secret
 * that leaves the module: keys belong into cm_kdf_derive. offset, iv_offset and TLS13_TRAFFIC_KEY are refused. */
CM_EXPORT cm_rc cm_kdf_derive_raw(cm_session session, void* out, size_t out_size, const cm_kdf_params* kdf) CM_MUST_USE;

/* ------------------------------------------------------------------------------------------------ batches */

/* Batches: independent jobs in one call, each with a key, buffers and a result of its own. Everything that is said of
 * the single call holds for each job; it gets the result that the single call would have, and a job that fails harms no
 * other. Messages that cannot keep the processor busy alone (CBC encryption, CMAC, CCM, hashes, HMAC) are worked side
 * by side.
 *  - Result: CM_OK, or the reason of the first job that was not approved; CM_ERR_JOBS when a job failed; another error
 *    when the batch as a whole was refused: then nothing was done and no job has a result. CM_ERR_ENTROPY, and, where
 *    another thread moves the module out of its operational state, CM_ERR_STATE or CM_ERR_ERROR_STATE can come in
 *    between: the jobs before are done, those from there on have it as their result, or CM_ERR_HANDLE as their key is
 *    gone, and their outputs are zeroed. cm_kdf_batch says CM_ERR_JOBS then.
 *  - Evidence: one entry and one exit record a batch. Entry: object = jobs. Exit: object = jobs, and failures in the
 *    upper 32 bits; bytes written by the jobs that succeeded, and why the first of them that was not approved was not.
 *    The keys that jobs use are not recorded one by one; those that cm_kdf_batch makes are.
 *  - Overlap: no output of a job may touch the array of jobs (CM_ERR_OVERLAP). That it touches no buffer of another job
 *    is the caller's duty: what such jobs give is not defined.
 *  - At most CM_BATCH_MAX jobs (CM_ERR_LENGTH). The array is read once; only result is written, and key in
 *    cm_kdf_job.
 *  - Stack: up to 40 KiB of the calling thread. */
enum { CM_BATCH_MAX = 65536 };

enum { CM_JOB_CALLER_IV = 1u << 0 };

/* cm_aead_job: as the arguments of cm_aead_seal, with CM_JOB_CALLER_IV in flags of cm_aead_seal_caller_iv, or of
 * cm_aead_open, where flags is 0 and iv and tag are read. */
typedef struct {
  cm_key key;
  void* out;
  size_t out_capacity;
  void* iv;
  size_t iv_size;
  void* tag;
  size_t tag_size;
  const void* aad;
  size_t aad_size;
  const void* in;
  size_t in_size;
  uint32_t flags;
  cm_rc result;
} cm_aead_job;
CM_EXPORT cm_rc cm_aead_seal_batch(cm_session session, cm_aead_job* jobs, size_t count) CM_MUST_USE;
CM_EXPORT cm_rc cm_aead_open_batch(cm_session session, cm_aead_job* jobs, size_t count) CM_MUST_USE;

/* cm_cipher_job: as the arguments of cm_cipher_encrypt or cm_cipher_decrypt; direction: CM_ENCRYPT, CM_DECRYPT. */
typedef struct {
  cm_key key;
  const void* iv;
  size_t iv_size;
  void* out;
  size_t out_capacity;
  const void* in;
  size_t in_size;
  uint32_t direction;
  cm_rc result;
} cm_cipher_job;
CM_EXPORT cm_rc cm_cipher_batch(cm_session session, cm_cipher_job* jobs, size_t count) CM_MUST_USE;

/* cm_hash_job: as the arguments of cm_hash_compute; a batch of hashes has no keys. */
typedef struct {
  uint32_t algorithm;
  cm_rc result;
  void* digest;
  size_t digest_capacity;
  const void* in;
  size_t in_size;
} cm_hash_job;
CM_EXPORT cm_rc cm_hash_batch(cm_session session, cm_hash_job* jobs, size_t count) CM_MUST_USE;

enum { CM_MAC_COMPUTE = 1, CM_MAC_VERIFY = 2 };

/* cm_mac_job: as the arguments of cm_mac_compute, which writes mac, or cm_mac_verify, which reads it. */
typedef struct {
  cm_key key;
  void* mac;
  size_t mac_size;
  const void* in;
  size_t in_size;
  uint32_t operation;
  cm_rc result;
} cm_mac_job;
CM_EXPORT cm_rc cm_mac_batch(cm_session session, cm_mac_job* jobs, size_t count) CM_MUST_USE;

/* cm_kdf_job: as the arguments of cm_kdf_derive; key and result are written. Passwords (PBKDF2) with the same hash and
 * the same iterations go side by side, sixteen jobs at a time. Each key that is made has a record of its own
 * (key-derived: handle, number of the job, the batch's entry) before the caller gets it; when that cannot be kept, this
 * job and those after it have CM_ERR_AUDIT. Release class B. */
typedef struct {
  cm_kdf_params kdf;
  cm_key_params params;
  cm_key key; /* {0} when the job failed */
  cm_rc result;
} cm_kdf_job;
CM_EXPORT cm_rc cm_kdf_batch(cm_session session, cm_kdf_job* jobs, size_t count) CM_MUST_USE;

/* ------------------------------------------------------------------------------------------------ random */

/* cm_random_bytes: output of CTR_DRBG-AES-256 (SP 800-90A); any size, drawn in requests of at most 64 KiB. */
CM_EXPORT cm_rc cm_random_bytes(cm_session session, void* out, size_t out_size) CM_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
