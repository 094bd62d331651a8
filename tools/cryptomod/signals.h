// SPDX-License-Identifier: Apache-2.0
// signals.h: orderly end on SIGINT, SIGTERM, SIGHUP and SIGQUIT. The first signal is noted, wakes the main thread out
// of a system call, and becomes an Interrupted exception at the next check_signals(): temporary files go away, the
// terminal is put right and the audit log is closed. A second one ends the process at once, after removing what must
// not stay.
#pragma once
#include <termios.h>

namespace cm::tool {

// install_signal_handlers: once, from the main thread, before anything else. A signal that is ignored stays ignored.
void install_signal_handlers();

// check_signals: throws Interrupted when a signal came.
void check_signals();

// end_by_signal: ends the process as the signal would have done.
[[noreturn]] void end_by_signal(int signal);

// set_temporary_name: the named temporary file to remove on sudden death, empty for none. The directory descriptor must
// stay open as long as the name is set.
void set_temporary_name(int directory_fd, const char* name);
void clear_temporary_name();

// set_terminal: settings that sudden death puts back on the terminal; clear_terminal when they are back.
void set_terminal(int fd, const termios& settings);
void clear_terminal();

}  // namespace cm::tool
