/* SPDX-License-Identifier: Apache-2.0
 *
 * poor_file_system.c: preloaded into the tool, it makes every file system one that lacks what CM_TEST_MISSING names:
 * nameless files ("tmpfile"), renaming without replacing ("renameat2"), hard links ("linkat").
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

static int missing(const char* what) {
  const char* list = getenv("CM_TEST_MISSING");
  return list != NULL && strstr(list, what) != NULL;
}

static int fail_with(int error) {
  errno = error;
  return -1;
}

__attribute__((visibility("default"))) int openat(int directory, const char* path, int flags, ...) {
  int (*next)(int, const char*, int, mode_t) = NULL;
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  if ((flags & O_TMPFILE) == O_TMPFILE && missing("tmpfile")) return fail_with(EOPNOTSUPP);
  *(void**)&next = dlsym(RTLD_NEXT, "openat");
  return next(directory, path, flags, mode);
}

__attribute__((visibility("default"))) int renameat2(int from, const char* old, int to, const char* new,
                                                     unsigned flags) {
  int (*next)(int, const char*, int, const char*, unsigned) = NULL;
  if (missing("renameat2")) return fail_with(EINVAL);
  *(void**)&next = dlsym(RTLD_NEXT, "renameat2");
  return next(from, old, to, new, flags);
}

__attribute__((visibility("default"))) int linkat(int from, const char* old, int to, const char* new, int flags) {
  int (*next)(int, const char*, int, const char*, int) = NULL;
  if (missing("linkat")) return fail_with(EPERM);
  *(void**)&next = dlsym(RTLD_NEXT, "linkat");
  return next(from, old, to, new, flags);
}
