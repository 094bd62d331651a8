// SPDX-License-Identifier: Apache-2.0
// report_test.cpp: selftest and status, in both forms.
#include <fcntl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <set>

#include "cryptomod/cryptomod.h"
#include "tests/tool/runner.h"

namespace cm::tool_tests {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

class Reports : public ToolTest {
 protected:
  Json json(const std::string& command) const {
    const Outcome done = tool({command, "--json"});
    EXPECT_EQ(done.exit_code, 0) << done.err;
    EXPECT_EQ(done.err, "");
    return Json::parse(done.out);
  }
};

bool is_hex(const std::string& text, size_t bytes) {
  return text.size() == 2 * bytes && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

TEST_F(Reports, selftest_has_a_row_per_test_and_lane) {
  const Json report = json("selftest");
  EXPECT_EQ(report.at("result"), "passed");
  EXPECT_GT(report.at("load_to_operational_ms").get<double>(), 0);
  EXPECT_GT(report.at("writer_connect_ms").get<double>(), 0);
  std::set<std::pair<std::string, std::string>> rows;
  for (const Json& row : report.at("tests")) {
    EXPECT_EQ(row.at("result"), "passed") << row;
    EXPECT_EQ(row.at("code"), "CM_OK");
    EXPECT_GE(row.at("us").get<double>(), 0);
    EXPECT_TRUE(rows.emplace(row.at("name"), row.at("lane")).second) << "twice: " << row;
  }
  EXPECT_EQ(rows.count({"aes-gcm-seal", "portable"}), 1u);
  EXPECT_EQ(rows.count({"sha-256", "portable"}), 1u);

  const Outcome text = tool({"selftest"});
  EXPECT_EQ(text.exit_code, 0);
  EXPECT_TRUE(contains(text.out, std::to_string(rows.size()) + " self-tests, 0 failed")) << text.out;
}

TEST_F(Reports, status_says_what_there_is) {
  const Json report = json("status");
  EXPECT_EQ(report.at("version"), CM_VERSION_STRING);
  EXPECT_TRUE(is_hex(report.at("module_digest"), 32));
  EXPECT_EQ(report.at("state"), "operational");
  EXPECT_EQ(report.at("error"), "CM_OK");
  EXPECT_EQ(report.at("failed_test"), "");
  for (const char* algorithm : {"aes", "gcm", "sha-256"}) EXPECT_NE(report.at("lanes").at(algorithm), "");
  EXPECT_EQ(report.at("audit"), "connected");
  EXPECT_EQ(report.at("tpm"), "software");
  EXPECT_TRUE(is_hex(report.at("log_id"), 16));
  EXPECT_NE(report.at("log_id"), std::string(32, '0'));
  EXPECT_TRUE(report.at("arena") == "locked" || report.at("arena") == "unlocked");
  EXPECT_EQ(json("status").at("log_id"), report.at("log_id")) << "the log did not go on";

  const Outcome text = tool({"status"});
  EXPECT_TRUE(contains(text.out, "Not validated.")) << text.out;
}

TEST_F(Reports, status_without_a_log_says_so_and_fails) {
  write_file(dir / "plain", {});
  const Outcome done = Child({CM_TOOL, "--audit-dir", path("plain/log"), "status", "--json"}, {}).wait();
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_EQ(Json::parse(done.out).at("audit"), "none");
  EXPECT_TRUE(contains(done.err, path("plain/log"))) << done.err;
}

// With the test build of the module, in which one self-test fails.
TEST_F(Reports, a_failed_self_test_is_named) {
  const fs::path libraries = dir / "libraries";
  fs::create_directory(libraries);
  fs::create_symlink(CM_TESTING_LIBRARY, libraries / "libcryptomod.so.1");
  fs::create_symlink(CM_WRITER, libraries / "cryptomod-auditd");
  RunOptions broken;
  broken.environment = {{"LD_LIBRARY_PATH", libraries.string()}, {"CM_TEST_BREAK_CAST", "aes-gcm-open:portable"}};

  const Outcome tested = tool({"selftest", "--json"}, broken);
  EXPECT_EQ(tested.exit_code, 1);
  const Json report = Json::parse(tested.out);
  EXPECT_EQ(report.at("result"), "failed");
  std::vector<std::string> failed;
  for (const Json& row : report.at("tests"))
    if (row.at("result") == "failed")
      failed.push_back(row.at("name").get<std::string>() + ":" + row.at("lane").get<std::string>());
  EXPECT_EQ(failed, std::vector<std::string>{"aes-gcm-open:portable"});

  const Outcome status = tool({"status", "--json"}, broken);
  EXPECT_EQ(status.exit_code, 1);
  EXPECT_EQ(Json::parse(status.out).at("state"), "error");
  EXPECT_TRUE(contains(Json::parse(status.out).at("failed_test"), "aes-gcm-open")) << status.out;

  write_file(dir / "in", pattern(10));
  make_key();
  const Outcome seal = tool({"seal", "--key", path("key"), path("in"), path("out")}, broken);
  EXPECT_EQ(seal.exit_code, 1);
  EXPECT_TRUE(contains(seal.err, "aes-gcm-open")) << seal.err;
  EXPECT_FALSE(fs::exists(dir / "out"));
}

TEST_F(Reports, a_report_that_cannot_be_written_fails) {
  RunOptions options;
  options.in_child = [] {
    const int full = open("/dev/full", O_WRONLY);
    if (full >= 0) dup2(full, STDOUT_FILENO);
  };
  EXPECT_EQ(tool({"status"}, options).exit_code, 1);
}

}  // namespace
}  // namespace cm::tool_tests
