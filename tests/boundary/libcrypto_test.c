/* SPDX-License-Identifier: Apache-2.0
 * libcrypto_test.c: the module and the system's libcrypto 3 in one process. libcrypto seals with AES-GCM before the
 * module is loaded, after, and at last again; none of its symbols may be bound to the module or the other way round. */
#include <dlfcn.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "cryptomod/cryptomod.h"

enum { kSize = 1024, kTagSize = 16 };

static int seal(unsigned char* out, unsigned char* tag) {
  static const unsigned char key[32] = {1, 2, 3};
  static const unsigned char iv[12] = {4, 5, 6};
  static const unsigned char text[kSize] = {7, 8, 9};
  int size = 0;
  int last = 0;
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  const int good = context != NULL && EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, iv) == 1 &&
                   EVP_EncryptUpdate(context, out, &size, text, kSize) == 1 &&
                   EVP_EncryptFinal_ex(context, out + size, &last) == 1 && size + last == kSize &&
                   EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, kTagSize, tag) == 1;
  EVP_CIPHER_CTX_free(context);
  return good;
}

static int same_seal(const unsigned char* out, const unsigned char* tag) {
  unsigned char again[kSize];
  unsigned char tag_again[kTagSize];
  return seal(again, tag_again) && memcmp(again, out, kSize) == 0 && memcmp(tag_again, tag, kTagSize) == 0;
}

static int fail(const char* what) {
  fprintf(stderr, "failed: %s\n", what);
  return 1;
}

int main(int argc, char** argv) {
  unsigned char out[kSize];
  unsigned char tag[kTagSize];
  if (argc != 2) return fail("usage: libcrypto_test LIBRARY");
  if (!seal(out, tag)) return fail("libcrypto before the module is loaded");

  void* library = dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL);
  if (library == NULL) return fail(dlerror());
  cm_rc (*status)(cm_status_info*);
  void* symbol = dlsym(library, "cm_status");
  if (symbol == NULL) return fail(dlerror());
  memcpy(&status, &symbol, sizeof status);

  cm_status_info info;
  memset(&info, 0, sizeof info);
  info.struct_size = sizeof info;
  (void)status(&info);
  if (info.state != CM_STATE_READY) return fail(info.failed_test);
  if (!same_seal(out, tag)) return fail("libcrypto beside the module");
  /* Looks in the module and the libraries it needs, and nowhere else. */
  if (dlsym(library, "EVP_EncryptInit_ex") != NULL) return fail("the module shows a libcrypto of its own");
  dlclose(library);
  if (!same_seal(out, tag)) return fail("libcrypto after the module was closed");
  puts("libcrypto and the module do not disturb each other");
  return 0;
}
