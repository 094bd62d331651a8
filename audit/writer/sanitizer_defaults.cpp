// SPDX-License-Identifier: Apache-2.0
// sanitizer_defaults.cpp: in sanitized builds only: no search for leaks when the writer ends. It traces the process
// from a child of its own, and the sandbox forbids both.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }
