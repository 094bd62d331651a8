// SPDX-License-Identifier: Apache-2.0
// export_test.cpp: cryptomod-audit export: JSON lines that parse and have the keys of docs/audit-format.md, CSV that a
// reader of RFC 4180 reads back and a spreadsheet takes for no formula, and outputs that cannot take it.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/audit/support/audit_program.h"
#include "tests/audit/support/golden_logs.h"

namespace cm::audit::test {
namespace {

using Json = nlohmann::json;
using Row = std::vector<std::string>;

const std::string kRoot = std::string(CM_SOURCE_DIR) + "/vectors/audit/";

// read_csv: RFC 4180 and nothing else. A line that does not end in CR LF, or a quote where none may stand, is a
// failure.
std::vector<Row> read_csv(const std::string& text) {
  std::vector<Row> rows(1, Row(1));
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      EXPECT_TRUE(rows.back().back().empty());
      for (++i; i < text.size() && (text[i] != '"' || (i + 1 < text.size() && text[i + 1] == '"')); ++i) {
        if (text[i] == '"') ++i;
        rows.back().back() += text[i];
      }
    } else if (text[i] == ',') {
      rows.back().emplace_back();
    } else if (text[i] == '\r') {
      EXPECT_EQ(text[++i], '\n');
      rows.emplace_back(1);
    } else {
      EXPECT_NE(text[i], '\n');
      rows.back().back() += text[i];
    }
  }
  EXPECT_EQ(rows.back(), Row(1));
  rows.pop_back();
  return rows;
}

// documented: names in the first column of the table behind this heading of the format page, with the second column.
std::map<std::string, std::string> documented(const std::string& heading) {
  std::ifstream page(std::string(CM_SOURCE_DIR) + "/docs/audit-format.md");
  std::map<std::string, std::string> out;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("#")) inside = line == heading;
    if (!inside || !line.starts_with("| `")) continue;
    const size_t end = line.find('`', 3);
    out[line.substr(3, end - 3)] = line.substr(end + 4, line.find(" |", end + 4) - end - 4);
  }
  return out;
}

std::string cell_of(const Json& value) {
  return value.is_null() ? "" : value.is_string() ? value.get<std::string>() : value.dump();
}

LogBuilder log_with_executables(const std::vector<std::string>& executables) {
  LogBuilder log;
  log.genesis();
  for (const std::string& executable : executables) {
    TestClient client = log.attach(1, [&](ClientAttach& a) { a.executable = executable; });
    log.batch({client.rings[0].record(0x10001)});
  }
  return log;
}

TEST(jsonl, every_line_parses_and_has_the_documented_keys) {
  const auto keys = documented("### Keys of a record");
  ASSERT_GT(keys.size(), 20u);
  std::set<std::string> seen;
  for (const char* name : {"clean", "eventful"}) {
    std::string text;
    ASSERT_EQ(run_audit("export --jsonl " + kRoot + name, &text), 0);
    const std::vector<Json> lines = json_lines(text);
    EXPECT_EQ(lines.size(), name == std::string("clean") ? 9u : 6u);
    for (const Json& line : lines) {
      for (const auto& [key, value] : line.items()) {
        EXPECT_TRUE(keys.contains(key)) << key;
        seen.insert(key);
      }
      for (const auto& [key, when] : keys) EXPECT_TRUE(when != "always" || line.contains(key)) << key;
      EXPECT_EQ(line["type"], "record");
    }
  }
  for (const auto& [key, when] : keys) EXPECT_TRUE(when != "always" || seen.contains(key)) << key;
}

TEST(jsonl, frames_are_one_object_each_with_the_documented_keys) {
  const auto keys = documented("### Keys of a frame");
  ASSERT_GT(keys.size(), 8u);
  std::string text;
  ASSERT_EQ(run_audit("export --jsonl --frames " + kRoot + "clean --ring 1", &text), 0);
  size_t frames = 0, records = 0;
  for (const Json& line : json_lines(text)) {
    records += line["type"] == "record" ? 1 : 0;
    if (line["type"] != "frame") continue;
    EXPECT_EQ(line["frame"], frames++);
    for (const auto& [key, value] : line.items()) EXPECT_TRUE(keys.contains(key)) << key;
    for (const auto& [key, when] : keys) EXPECT_TRUE(when != "always" || line.contains(key)) << key;
  }
  EXPECT_EQ(frames, 17u);
  EXPECT_EQ(records, 5u);
}

TEST(csv, says_cell_by_cell_what_the_json_lines_say) {
  for (const char* name : {"clean", "eventful"}) {
    std::string csv, jsonl;
    ASSERT_EQ(run_audit("export --csv " + kRoot + name, &csv), 0);
    ASSERT_EQ(run_audit("export --jsonl " + kRoot + name, &jsonl), 0);
    const std::vector<Row> rows = read_csv(csv);
    const std::vector<Json> lines = json_lines(jsonl);
    ASSERT_EQ(rows.size(), lines.size() + 1);
    for (size_t i = 0; i < lines.size(); ++i) {
      ASSERT_EQ(rows[i + 1].size(), rows[0].size());
      std::set<std::string> columns(rows[0].begin(), rows[0].end());
      for (const auto& [key, value] : lines[i].items()) EXPECT_TRUE(key == "type" || columns.contains(key)) << key;
      for (size_t c = 0; c < rows[0].size(); ++c)
        EXPECT_EQ(rows[i + 1][c], lines[i].contains(rows[0][c]) ? cell_of(lines[i][rows[0][c]]) : "") << rows[0][c];
    }
  }
}

TEST(csv, columns_are_the_documented_keys) {
  auto keys = documented("### Keys of a record");
  keys.erase("type");
  std::string csv;
  ASSERT_EQ(run_audit("export --csv " + kRoot + "clean", &csv), 0);
  const Row header = read_csv(csv)[0];
  EXPECT_EQ(std::set<std::string>(header.begin(), header.end()).size(), header.size());
  EXPECT_EQ(header.size(), keys.size());
  for (const std::string& column : header) EXPECT_TRUE(keys.contains(column)) << column;
}

TEST(csv, no_text_of_a_client_is_a_formula_or_leaves_its_cell) {
  const std::vector<std::string> executables = {"=1+1",
                                                "+1",
                                                "-2+3",
                                                "@SUM(A1)",
                                                "\t=1",
                                                "a\r\nb,c\"d;=1",
                                                "/bin/\x1b[2J",
                                                "\xe2\x80\xae"
                                                "evil",
                                                "'x",
                                                ""};
  const std::vector<std::string> cells = {
      "'=1+1", "'+1", "'-2+3", "'@SUM(A1)", "\\x09=1", "a\\x0d\\x0ab,c\"d;=1", "/bin/\\x1b[2J", "\\xe2\\x80\\xaeevil",
      "'x",    ""};
  const LogDirectory directory(log_with_executables(executables).segments);
  std::string csv;
  ASSERT_EQ(run_audit("export --csv " + directory.path(), &csv), 0);
  const std::vector<Row> rows = read_csv(csv);
  ASSERT_EQ(rows.size(), executables.size() + 1);
  const auto column = static_cast<size_t>(std::find(rows[0].begin(), rows[0].end(), "executable") - rows[0].begin());
  for (size_t i = 0; i < cells.size(); ++i) EXPECT_EQ(rows[i + 1][column], cells[i]);
  // A reader that splits at semicolons must find every text in quotes.
  EXPECT_NE(csv.find("\"a\\x0d\\x0ab,c\"\"d;=1\""), std::string::npos);
}

TEST(csv, takes_the_filters_of_search) {
  std::string csv;
  ASSERT_EQ(run_audit("export --csv --result error " + kRoot + "eventful", &csv), 0);
  const std::vector<Row> rows = read_csv(csv);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[1][0], "4");
  EXPECT_EQ(rows[2][0], "5");
}

TEST(export_command, records_of_damaged_frames_say_so_and_damage_stays_out_of_the_output) {
  LogBuilder log = kGoldenLogs[0].build({});
  log.segments[0][1500] ^= 1;
  const LogDirectory directory(log.segments);
  std::string text;
  EXPECT_EQ(run_audit("export --jsonl " + directory.path(), &text), 3);
  size_t damaged = 0;
  for (const Json& line : json_lines(text)) {
    EXPECT_EQ(line["type"], "record");
    damaged += line["damaged"] == true ? 1 : 0;
  }
  EXPECT_EQ(damaged, 6u);
  EXPECT_EQ(run_audit("export --csv " + directory.path() + " 2>&1 >/dev/null", &text), 3);
  EXPECT_NE(text.find("!! frame 3 at 00000000.cmlog offset 1088 is damaged: record-damaged"), std::string::npos)
      << text;
}

TEST(export_command, an_output_that_cannot_take_it_is_two) {
  std::string text;
  for (const char* command : {"export --jsonl ", "export --csv ", "search ", "show "}) {
    EXPECT_EQ(run_audit(command + kRoot + "clean 2>&1 >/dev/full", &text), 2) << command;
    EXPECT_EQ(text, "cryptomod-audit: cannot write the output: No space left on device\n") << command;
  }
  const LogDirectory directory;
  const std::string code = directory.path() + "/code";
  const std::string line = "(sleep 0.3; " + std::string(CM_AUDIT_PROGRAM) + " export --jsonl " + kRoot + "clean 2>" +
                           directory.path() + "/text; echo $? >" + code + ") | true; sleep 1";
  ASSERT_EQ(std::system(line.c_str()), 0);
  std::ifstream(code) >> text;
  EXPECT_EQ(text, "2");
  std::getline(std::ifstream(directory.path() + "/text"), text);
  EXPECT_EQ(text, "cryptomod-audit: cannot write the output: Broken pipe");
}

TEST(export_command, asks_for_one_format) {
  EXPECT_EQ(run_audit("export " + kRoot + "clean"), 64);
  EXPECT_EQ(run_audit("export --csv --jsonl " + kRoot + "clean"), 64);
  EXPECT_EQ(run_audit("export --csv --frames " + kRoot + "clean"), 64);
  EXPECT_EQ(run_audit("export --csv " + kRoot + "none"), 2);
}

}  // namespace
}  // namespace cm::audit::test
