// SPDX-License-Identifier: Apache-2.0
// sanitizer_options.cpp: a fork child of the producer has a supervisor thread of its own, and ThreadSanitizer ends such
// a child unless it is told not to.
extern "C" const char* __tsan_default_options();
extern "C" __attribute__((visibility("default"))) const char* __tsan_default_options() { return "die_after_fork=0"; }
