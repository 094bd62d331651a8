// SPDX-License-Identifier: Apache-2.0
// rows.h: what is compared: one row an operation and size, one runner a contestant. Names are algorithm, then
// operation, lower case; they are stable, because results are compared over time.
#pragma once
#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "bench/module.h"

namespace cm::bench {

// Runner: does so many jobs, one after the other.
using Runner = std::function<void(size_t jobs)>;

enum Contestant : size_t { kOurs, kOursNoAudit, kOpenssl, kIpsecMb, kContestants };

struct Row {
  std::string name;
  size_t bytes = 0;                     // size of a job, 0 where there is none
  size_t batch = 1;                     // jobs in one call; a runner counts calls
  Runner runners[kContestants];         // empty where the peer does not have the operation
  std::function<void()> check;          // throws unless all contestants give the same results
  size_t jobs_max = 16'000;             // of one point: two records a job, and the ring has 65536
  std::function<void()> after = [] {};  // clears away what the calls of a runner have made; not timed
};

// RowMaker: makes a row with its keys and memory, so that not all of them exist at once.
using RowMaker = std::function<Row()>;

// make_rows: every row of the table. The modules must live as long as the rows are used.
std::vector<RowMaker> make_rows(const Module& ours, const Module& ours_noaudit);

// add_mode_rows, add_batch_rows, add_hash_rows, add_kdf_rows: the parts of the table that have files of their own.
using Modules = std::array<const Module*, 2>;
void add_mode_rows(std::vector<RowMaker>& rows, Modules modules);
void add_batch_rows(std::vector<RowMaker>& rows, Modules modules);
void add_hash_rows(std::vector<RowMaker>& rows, Modules modules);
void add_kdf_rows(std::vector<RowMaker>& rows, Modules modules);

// peer_versions: "OpenSSL 3.0.x, libipsec-mb 1.x".
std::string peer_versions();

}  // namespace cm::bench
