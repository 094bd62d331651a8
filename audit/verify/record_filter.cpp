// SPDX-License-Identifier: Apache-2.0
// record_filter.cpp: see record_filter.h. It must not look at anything but the filter and the record: the same record
// is chosen wherever it stands. Texts of the user are refused with a sentence, never bent into something near.
#include "audit/verify/record_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "audit/verify/report.h"
#include "audit/verify/time_text.h"
#include "crypto/base/status.h"

namespace cm::audit::verify {
namespace {

using Events = RecordFilter::Range<uint32_t>;

constexpr size_t kIdDigits = 2 * kIdSize;
constexpr uint32_t kSelfTestFirst = static_cast<uint32_t>(EventId::kCast), kSelfTestLast = kSelfTestFirst + 0xff;
constexpr uint32_t kStateFirst = static_cast<uint32_t>(EventId::kState), kStateLast = kStateFirst + 0xf;

// number_of: all of the text is one number, decimal or, where it begins with 0x, hexadecimal.
template <class Number>
std::optional<Number> number_of(std::string_view text) {
  const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  if (hexadecimal) text.remove_prefix(2);
  Number out{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, hexadecimal ? 16 : 10);
  if (hexadecimal && text.starts_with('-')) return std::nullopt;
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

// hex_digits: 1 to 32 of them, in lower case; nothing when the text is something else.
std::optional<std::string> hex_digits(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  if (text.empty() || text.size() > kIdDigits || text.find_first_not_of("0123456789abcdef") != std::string::npos)
    return std::nullopt;
  return text;
}

const StatusRow* status_by_name(const std::string& text) {
  for (const StatusRow& row : kStatusTable)
    if (text == row.name) return &row;
  return nullptr;
}

std::string add_service(RecordFilter& filter, const std::string& text) {
  const auto events = events_by_name(text);
  if (!events) return fmt::format("there is no service or event {}", quoted_text(text));
  filter.events.push_back(*events);
  return "";
}

std::string add_time(std::optional<uint64_t>& bound, const std::string& text) {
  bound = parse_time(text);
  if (bound) return "";
  return fmt::format("{} is no time; give UTC as 2026-11-23T01:18:00Z, a date, or seconds since 1970",
                     quoted_text(text));
}
std::string add_since(RecordFilter& filter, const std::string& text) { return add_time(filter.since_ns, text); }
std::string add_until(RecordFilter& filter, const std::string& text) { return add_time(filter.until_ns, text); }

std::string add_session(RecordFilter& filter, const std::string& text) {
  const auto digits = hex_digits(text);
  if (!digits)
    return fmt::format("{} does not begin a session id: that is up to 32 hexadecimal digits", quoted_text(text));
  filter.sessions.push_back(*digits);
  return "";
}

std::string add_process(RecordFilter& filter, const std::string& text) {
  if (text.empty()) return "a process is its id, a part of its executable's path, or the beginning of its client id";
  // A number that no process id is written like (a leading zero, too large) begins a client id.
  const bool decimal = text.find_first_not_of("0123456789") == std::string::npos && text.front() != '0';
  filter.processes.push_back({decimal ? number_of<uint32_t>(text) : std::nullopt, text});
  return "";
}

std::string add_result(RecordFilter& filter, const std::string& text) {
  const auto code = number_of<int32_t>(text);
  const StatusRow* row = status_by_name(text);
  if (text == "ok")
    filter.results.push_back({0, INT32_MAX});
  else if (text == "error")
    filter.results.push_back({INT32_MIN, -1});
  else if (row != nullptr)
    filter.results.push_back({row->code, row->code});
  else if (code)
    filter.results.push_back({*code, *code});
  else
    return fmt::format("{} is no result: ok, error, a name as CM_ERR_AUTH, or a number", quoted_text(text));
  return "";
}

std::string add_indicator(RecordFilter& filter, const std::string& text) {
  using Indicator = RecordFilter::Indicator;
  const StatusRow* row = status_by_name(text);
  const auto reason = row != nullptr ? std::optional(row->code) : number_of<int32_t>(text);
  if (text == "approved")
    filter.indicators.push_back({Indicator::kApproved, 0});
  else if (text == "not-approved")
    filter.indicators.push_back({Indicator::kNotApproved, 0});
  else if (reason && *reason > 0 && *reason <= UINT16_MAX)
    filter.indicators.push_back({Indicator::kReason, static_cast<uint32_t>(*reason)});
  else
    return fmt::format(
        "{} is no indicator: approved, not-approved, a reason as CM_NOT_APPROVED_CALLER_IV, or its number",
        quoted_text(text));
  return "";
}

std::string add_object(RecordFilter& filter, const std::string& text) {
  const auto handle = number_of<uint64_t>(text);
  if (!handle) return fmt::format("{} is no handle: a number, decimal or with 0x", quoted_text(text));
  filter.objects.push_back(*handle);
  return "";
}

std::string add_ring(RecordFilter& filter, const std::string& text) {
  const auto ring = number_of<uint32_t>(text);
  if (!ring) return fmt::format("{} is no ring: a number", quoted_text(text));
  filter.rings.push_back(*ring);
  return "";
}

constexpr ConditionRow kConditions[] = {
    {"--service,--event", "NAME|NUMBER", "records of this service or event", false, add_service},
    {"--since", "TIME", "records of this time or later: 2026-11-23T01:18:00Z, a date, or seconds since 1970", true,
     add_since},
    {"--until", "TIME", "records before this time", true, add_until},
    {"--session", "HEXPREFIX", "records whose session id begins with these digits", false, add_session},
    {"--process", "PID|TEXT",
     "records of the process with this id, this in its executable's path, or a client id "
     "that begins so",
     false, add_process},
    {"--result", "ok|error|NAME|NUMBER", "calls that ended so, each with its entry", false, add_result},
    {"--indicator", "approved|not-approved|REASON", "calls with this service indicator, each with its entry", false,
     add_indicator},
    {"--object", "HANDLE", "records about this key, session or context", false, add_object},
    {"--ring", "N", "records of this ring", false, add_ring},
};

bool indicator_is(const RecordFilter::IndicatorIs& wanted, const Record& r) {
  const auto rc = static_cast<int32_t>(r.return_code);
  const uint32_t reason = indicator_reason(r);
  switch (wanted.kind) {
    case RecordFilter::Indicator::kApproved:
      return rc == 0 && reason == 0;
    case RecordFilter::Indicator::kNotApproved:
      return reason != 0;
    case RecordFilter::Indicator::kReason:
      return reason == wanted.reason;
  }
  return false;
}

// any: nothing asked for, or some of it holds.
template <class Wanted, class Holds>
bool any(const std::vector<Wanted>& wanted, Holds holds) {
  return wanted.empty() || std::any_of(wanted.begin(), wanted.end(), holds);
}

}  // namespace

bool RecordFilter::empty() const {
  return events.empty() && !since_ns && !until_ns && sessions.empty() && processes.empty() && !about_result() &&
         objects.empty() && rings.empty();
}

bool RecordFilter::holds(const Record& r) const {
  if ((since_ns && r.time_ns < *since_ns) || (until_ns && r.time_ns >= *until_ns)) return false;
  const uint32_t id = is_service(r) ? r.event_id & ~kExitBit : r.event_id;
  if (!any(rings, [&](uint32_t ring) { return ring == r.ring_id; })) return false;
  if (!any(events, [&](const auto& range) { return range.holds(id); })) return false;
  if (!any(objects, [&](uint64_t handle) { return names_handle(r) && handle == r.object; })) return false;
  if (!any(results,
           [&](const auto& range) { return has_result(r) && range.holds(static_cast<int32_t>(r.return_code)); }))
    return false;
  if (!any(indicators, [&](const auto& is) { return is_service(r) && is_exit(r) && indicator_is(is, r); }))
    return false;
  if (sessions.empty()) return true;
  const std::string session = hex_text(r.session_id);
  return any(sessions, [&](const std::string& digits) { return session.starts_with(digits); });
}

bool RecordFilter::holds(const ClientAttach& client) const {
  return any(processes, [&](const Process& p) {
    if (p.pid) return *p.pid == client.pid;
    const auto digits = hex_digits(p.text);
    return client.executable.find(p.text) != std::string::npos ||
           (digits && hex_text(client.client_id).starts_with(*digits));
  });
}

bool has_result(const Record& r) { return is_service(r) ? is_exit(r) : is_self_test(r) || r.return_code != 0; }

uint32_t indicator_reason(const Record& r) {
  if (const uint32_t reason = detail_reason(r.detail); reason != 0) return reason;
  return static_cast<int32_t>(r.return_code) > 0 ? r.return_code : 0;
}

bool names_handle(const Record& r) {
  if (is_service(r)) return !is_batch(r.event_id & ~kExitBit);
  return r.event_id >= static_cast<uint32_t>(EventId::kKeyZeroised);
}

std::span<const ConditionRow> conditions() { return kConditions; }

std::optional<Events> events_by_name(const std::string& text) {
  if (text == event_row(kSelfTestFirst)->name) return Events{kSelfTestFirst, kSelfTestLast};
  if (text == event_row(kStateFirst)->name) return Events{kStateFirst, kStateLast};
  for (const EventRow& row : kEventTable)
    if (text == row.name) return Events{row.id, row.id};
  for (const EventRow& row : kSelfTestNames)
    if (text == event_text(kSelfTestFirst + row.id)) return Events{kSelfTestFirst + row.id, kSelfTestFirst + row.id};
  for (const EventRow& row : kStateEventNames)
    if (text == event_text(kStateFirst + row.id)) return Events{kStateFirst + row.id, kStateFirst + row.id};
  const auto id = number_of<uint32_t>(text);
  if (!id || (*id & kExitBit) != 0 || !event_known(*id)) return std::nullopt;
  return Events{*id, *id};
}

}  // namespace cm::audit::verify
