// SPDX-License-Identifier: Apache-2.0
// machine.h: the clock, the processor and what must be the same for every timed point.
#pragma once
#include <cstdint>
#include <string>

namespace cm::bench {

uint64_t now_ns();

// clean_vector_state: vzeroupper. Some libraries return with dirty upper halves of the vector registers, and then it is
// the next one that becomes slower.
void clean_vector_state();

// core_ghz: frequency the core runs at now, from a chain of dependent multiplications (some cores do additions of
// constants in no time). Takes about 80 us.
double core_ghz();

// preemptions: how often this thread was made to give up the processor.
uint64_t preemptions();

// leave_cpu: this thread and all that it starts from now on keep off the processor, if there is another one.
// pin: this thread alone goes to it, ahead of everything else there where the system allows it (SCHED_FIFO, root). So
// writer and TPM never share the processor that is measured.
void leave_cpu(int cpu);
void pin(int cpu);
// last_cpu: the last processor this process may run on.
int last_cpu();

// describe_machine: model, processors, kernel, for the head of a report.
std::string describe_machine();

}  // namespace cm::bench
