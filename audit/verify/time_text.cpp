// SPDX-License-Identifier: Apache-2.0
// time_text.cpp: see time_text.h. Every character is read exactly once, in order; it must not use the locale.
#include "audit/verify/time_text.h"

#include <chrono>

namespace cm::audit::verify {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;
constexpr uint64_t kSecondsPerDay = 86'400;
constexpr size_t kFractionDigits = 9;

bool digit(char c) { return c >= '0' && c <= '9'; }

// Reader: takes pieces off the front. A piece that is not there is an error that stays.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool good() const { return good_; }
  bool done() const { return text_.empty(); }
  bool next_is(char c) const { return !text_.empty() && text_.front() == c; }

  // one_of: c in either case.
  void one_of(char upper, char lower) {
    good_ = good_ && (next_is(upper) || next_is(lower));
    if (good_) text_.remove_prefix(1);
  }
  // number: exactly so many digits, at most eighteen.
  uint64_t number(size_t digits) {
    uint64_t out = 0;
    for (; digits > 0; --digits) {
      good_ = good_ && !text_.empty() && digit(text_.front());
      if (!good_) return 0;
      out = out * 10 + static_cast<uint64_t>(text_.front() - '0');
      text_.remove_prefix(1);
    }
    return out;
  }
  size_t digits() const {
    size_t n = 0;
    while (n < text_.size() && digit(text_[n])) ++n;
    return n;
  }
  // fraction: nanoseconds, of a dot and one to nine digits where there is a dot.
  uint64_t fraction() {
    if (!next_is('.')) return 0;
    text_.remove_prefix(1);
    const size_t n = digits();
    good_ = good_ && n >= 1 && n <= kFractionDigits;
    if (!good_) return 0;
    uint64_t out = number(n);
    for (size_t i = n; i < kFractionDigits; ++i) out *= 10;
    return out;
  }

 private:
  std::string_view text_;
  bool good_ = true;
};

std::optional<uint64_t> since_1970(uint64_t seconds, uint64_t ns) {
  if (seconds > (UINT64_MAX - ns) / kNsPerSecond) return std::nullopt;
  return seconds * kNsPerSecond + ns;
}

std::optional<uint64_t> seconds_text(std::string_view text) {
  Reader in(text);
  const size_t n = in.digits();
  if (n == 0 || n > 18) return std::nullopt;
  const uint64_t seconds = in.number(n);
  const uint64_t ns = in.fraction();
  if (!in.good() || !in.done()) return std::nullopt;
  return since_1970(seconds, ns);
}

}  // namespace

std::optional<uint64_t> parse_time(std::string_view text) {
  if (text.find('-') == std::string_view::npos) return seconds_text(text);
  Reader in(text);
  const uint64_t year = in.number(4);
  in.one_of('-', '-');
  const uint64_t month = in.number(2);
  in.one_of('-', '-');
  const uint64_t day = in.number(2);
  uint64_t hour = 0, minute = 0, second = 0, ns = 0;
  if (!in.done()) {
    in.one_of('T', 't');
    hour = in.number(2);
    in.one_of(':', ':');
    minute = in.number(2);
    in.one_of(':', ':');
    second = in.number(2);
    ns = in.fraction();
    in.one_of('Z', 'z');
  }
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(year)),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!in.good() || !in.done() || year < 1970 || !date.ok() || hour > 23 || minute > 59 || second > 59)
    return std::nullopt;
  const auto days = static_cast<uint64_t>(std::chrono::sys_days(date).time_since_epoch().count());
  return since_1970(days * kSecondsPerDay + hour * 3600 + minute * 60 + second, ns);
}

}  // namespace cm::audit::verify
