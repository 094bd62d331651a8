// SPDX-License-Identifier: Apache-2.0
// record_filter.h: which records show, search, export and follow are asked for: the one filter of all of them, and the
// one table of its options. Conditions of different kinds must all hold, of one kind any of them. It judges one record
// at a time; what belongs together (entry and exit, ring and process) is record_selection.h.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/payload.h"
#include "audit/record.h"

namespace cm::audit::verify {

struct RecordFilter {
  // Range: first and last included.
  template <class Number>
  struct Range {
    Number first, last;
    bool holds(Number n) const { return n >= first && n <= last; }
  };
  // Process: a process id, or else a part of the executable's path or the beginning of the client id.
  struct Process {
    std::optional<uint32_t> pid;
    std::string text;
  };
  enum class Indicator : uint8_t { kApproved, kNotApproved, kReason };
  struct IndicatorIs {
    Indicator kind;
    uint32_t reason;  // of kReason
  };

  std::vector<Range<uint32_t>> events;  // without the exit bit
  std::optional<uint64_t> since_ns;     // not before
  std::optional<uint64_t> until_ns;     // before
  std::vector<std::string> sessions;    // beginnings of the id, lower-case hexadecimal
  std::vector<Process> processes;
  std::vector<Range<int32_t>> results;
  std::vector<IndicatorIs> indicators;
  std::vector<uint64_t> objects;
  std::vector<uint32_t> rings;

  bool empty() const;
  // about_result: only the end of a call can say whether the call is meant.
  bool about_result() const { return !results.empty() || !indicators.empty(); }
  // holds: all but the processes.
  bool holds(const Record& r) const;
  bool holds(const ClientAttach& client) const;  // the processes; true where there are none to hold
};

// has_result: whether return_code says how something ended: exits, self-tests, and events that name a cause.
bool has_result(const Record& r);
// indicator_reason: why the call of this exit was not approved; 0 when it was, or failed.
uint32_t indicator_reason(const Record& r);
// names_handle: whether object is a handle. In batches, and in events about other things than keys, it is a number.
bool names_handle(const Record& r);

// ConditionRow: one option. add puts a condition into the filter; what it returns is a sentence when text is none.
struct ConditionRow {
  const char* option;
  const char* value;
  const char* help;
  bool once;  // giving it twice makes no sense
  std::string (*add)(RecordFilter& filter, const std::string& text);
};
std::span<const ConditionRow> conditions();

// events_by_name: a name that show prints, without entry or exit; "self-test" and "state" mean all of them. A number
// is that event alone.
std::optional<RecordFilter::Range<uint32_t>> events_by_name(const std::string& text);

}  // namespace cm::audit::verify
