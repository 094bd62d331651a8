// SPDX-License-Identifier: Apache-2.0
// html.h: pieces of an HTML page. Html is text that is markup already: nothing of a log becomes one but through the
// functions here, which escape it. They do not look at the locale or at the time.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cm::audit::verify {

struct Html {
  std::string markup;
  Html& operator+=(const Html& more) {
    markup += more.markup;
    return *this;
  }
};
inline Html operator+(Html a, const Html& b) { return a += b; }

// html_text: text that somebody else may have chosen: as printable_text, and nothing in it is markup.
Html html_text(std::string_view text);
// html_printable: text that is printable ASCII already: ours, or what report.h and frame_text.h made of the log's.
// Anything else in it becomes a question mark.
Html html_printable(std::string_view text);
// html_number: with narrow spaces between groups of three digits.
Html html_number(uint64_t number);
// html_time: of nanoseconds since 1970, UTC.
Html html_time(uint64_t time_ns);
// duration_text: a length of time in the unit that suits it, rounded down to three digits.
std::string duration_text(uint64_t ns);
// html_element: a name of ours, without attributes.
Html html_element(std::string_view name, const Html& content);
// html_paragraph: of printable text.
Html html_paragraph(std::string_view text);

// HtmlTable: the first cell of a row is its header.
class HtmlTable {
 public:
  enum class Kind : uint8_t { kText, kNumber };
  struct Column {
    const char* name;
    Kind kind;
  };

  HtmlTable(std::string_view caption, std::vector<Column> columns);
  // row: as many cells as there are columns.
  void row(const std::vector<Html>& cells);
  // others: a last row about what has no row of its own. Nothing when there is none.
  void others(uint64_t count, std::string_view what);
  bool empty() const { return rows_.markup.empty(); }
  // done: the table; the sentence instead when it has no row.
  Html done(std::string_view when_empty) const;

 private:
  std::string caption_;
  std::vector<Column> columns_;
  Html rows_;
};

}  // namespace cm::audit::verify
