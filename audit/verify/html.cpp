// SPDX-License-Identifier: Apache-2.0
// html.cpp: see html.h.
#include "audit/verify/html.h"

#include <fmt/format.h>

#include "audit/verify/report.h"

namespace cm::audit::verify {

Html html_printable(std::string_view text) {
  Html out;
  for (const char c : text) switch (c) {
      case '&':
        out.markup += "&amp;";
        break;
      case '<':
        out.markup += "&lt;";
        break;
      case '>':
        out.markup += "&gt;";
        break;
      case '"':
        out.markup += "&quot;";
        break;
      case '\'':
        out.markup += "&#39;";
        break;
      default:
        out.markup.push_back(c >= ' ' && c <= '~' ? c : '?');
    }
  return out;
}

Html html_text(std::string_view text) { return html_printable(printable_text(text)); }

Html html_number(uint64_t number) {
  const std::string digits = std::to_string(number);
  Html out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i != 0 && (digits.size() - i) % 3 == 0) out.markup += "&#8239;";
    out.markup.push_back(digits[i]);
  }
  return out;
}

Html html_time(uint64_t time_ns) {
  const std::string text = utc_text(time_ns);
  return {fmt::format("<time datetime=\"{0}\">{0}</time>", html_text(text).markup)};
}

std::string duration_text(uint64_t ns) {
  struct Unit {
    uint64_t ns;
    const char* name;
  };
  static constexpr Unit kUnits[] = {{86'400'000'000'000, "d"}, {3'600'000'000'000, "h"}, {60'000'000'000, "min"},
                                    {1'000'000'000, "s"},      {1'000'000, "ms"},        {1'000, "us"}};
  for (const Unit& unit : kUnits) {
    if (ns < unit.ns) continue;
    const uint64_t whole = ns / unit.ns;
    const uint64_t thousandths = ns % unit.ns / (unit.ns / 1000);
    if (whole >= 100) return fmt::format("{} {}", whole, unit.name);
    if (whole >= 10) return fmt::format("{}.{} {}", whole, thousandths / 100, unit.name);
    return fmt::format("{}.{:02} {}", whole, thousandths / 10, unit.name);
  }
  return fmt::format("{} ns", ns);
}

Html html_element(std::string_view name, const Html& content) {
  return {fmt::format("<{0}>{1}</{0}>\n", name, content.markup)};
}

Html html_paragraph(std::string_view text) { return html_element("p", html_printable(text)); }

HtmlTable::HtmlTable(std::string_view caption, std::vector<Column> columns)
    : caption_(caption), columns_(std::move(columns)) {}

void HtmlTable::row(const std::vector<Html>& cells) {
  rows_.markup += "<tr>";
  for (size_t i = 0; i < columns_.size(); ++i) {
    const char* open = i == 0 ? "<th scope=\"row\">" : columns_[i].kind == Kind::kNumber ? "<td class=\"n\">" : "<td>";
    rows_.markup += open + cells[i].markup + (i == 0 ? "</th>" : "</td>");
  }
  rows_.markup += "</tr>\n";
}

void HtmlTable::others(uint64_t count, std::string_view what) {
  if (count == 0) return;
  rows_.markup += fmt::format("<tr><th scope=\"row\">others</th><td colspan=\"{}\">{} {}</td></tr>\n",
                              columns_.size() - 1, html_number(count).markup, html_text(what).markup);
}

Html HtmlTable::done(std::string_view when_empty) const {
  if (empty()) return html_paragraph(when_empty);
  Html out{fmt::format("<div class=\"wide\"><table><caption>{}</caption>\n<thead><tr>", html_text(caption_).markup)};
  for (const Column& column : columns_)
    out.markup += fmt::format("<th scope=\"col\"{}>{}</th>", column.kind == Kind::kNumber ? " class=\"n\"" : "",
                              html_text(column.name).markup);
  out.markup += "</tr></thead>\n<tbody>\n" + rows_.markup + "</tbody></table></div>\n";
  return out;
}

}  // namespace cm::audit::verify
