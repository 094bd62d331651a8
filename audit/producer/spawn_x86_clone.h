// SPDX-License-Identifier: Apache-2.0
// spawn_x86_clone.h: clone(2) with a stack of its own for the child. vfork would share our stack, and both vfork and
// posix_spawn send SIGCHLD to the application when the child ends; fork would copy page tables and run the
// application's atfork handlers. The child shares our memory while we are suspended, so it may only make system calls.
#pragma once
#include <sched.h>
#include <sys/syscall.h>

namespace cm::audit {

// clone_suspended: runs entry(argument) in a child on the stack that ends at stack_top (16-byte aligned); returns in
// the parent, with the child's pid or a negative errno, when the child has executed a program or ended. No signal on
// its end: wait for it with __WALL.
inline long clone_suspended(void* stack_top, int (*entry)(void*), void* argument) {
  long result;
  register void* r8 __asm__("r8") = argument;  // clone's fifth argument, ignored without CLONE_SETTLS
  register int (*r9)(void*) __asm__("r9") = entry;
  __asm__ volatile(
      "syscall\n\t"
      "testq %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xorl %%ebp, %%ebp\n\t"
      "movq %%r8, %%rdi\n\t"
      "callq *%%r9\n\t"
      "movl %%eax, %%edi\n\t"
      "movl %[exit], %%eax\n\t"
      "syscall\n\t"
      "ud2\n"
      "1:"
      : "=a"(result)
      : "0"(static_cast<long>(SYS_clone)), "D"(static_cast<long>(CLONE_VM | CLONE_VFORK)), "S"(stack_top), "d"(0L),
        "r"(r8), "r"(r9), [exit] "i"(SYS_exit_group)
      : "rcx", "r10", "r11", "memory");
  return result;
}

}  // namespace cm::audit
