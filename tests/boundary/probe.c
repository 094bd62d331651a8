/* SPDX-License-Identifier: Apache-2.0
 * probe.c: loads the module file named on the command line and prints the state it is in, in one line of JSON. Loading
 * is all: no cm_init, so that what is seen is the outcome of the power-on tests. A damaged module may end the process.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "cryptomod/cryptomod.h"

typedef cm_rc (*status_function)(cm_status_info*);

int main(int argc, char** argv) {
  if (argc != 2) {
    fputs("usage: probe FILE\n", stderr);
    return 64;
  }
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    fprintf(stderr, "not loaded: %s\n", dlerror());
    return 2;
  }
  status_function status;
  void* symbol = dlsym(library, "cm_status");
  if (symbol == NULL) {
    fprintf(stderr, "no cm_status: %s\n", dlerror());
    return 3;
  }
  memcpy(&status, &symbol, sizeof status);

  cm_status_info info;
  memset(&info, 0, sizeof info);
  info.struct_size = sizeof info;
  const cm_rc rc = status(&info);
  info.failed_test[sizeof info.failed_test - 1] = '\0';
  for (char* c = info.failed_test; *c != '\0'; ++c) /* a flipped byte may be in the name itself */
    if (*c < ' ' || *c > '~' || *c == '"' || *c == '\\') *c = '?';
  printf("{\"rc\":%d,\"state\":%u,\"error\":%d,\"failed_test\":\"%s\",\"digest\":\"", rc, info.state, info.error,
         info.failed_test);
  for (size_t i = 0; i < sizeof info.module_digest; ++i) printf("%02x", info.module_digest[i]);
  puts("\"}");
  return 0;
}
