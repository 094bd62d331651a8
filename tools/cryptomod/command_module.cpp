// SPDX-License-Identifier: Apache-2.0
// command_module.cpp: selftest and status. Both start the module with its audit log, since what happens without one
// leaves no evidence, and both report what they can when it does not start.
#include <fmt/core.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "tools/cryptomod/commands.h"
#include "tools/cryptomod/failure.h"
#include "tools/cryptomod/hex.h"

namespace cm::tool {
namespace {

using Json = nlohmann::ordered_json;

double ms(uint64_t ns) { return static_cast<double>(ns) / 1e6; }

const char* state_text(uint32_t state) {
  switch (state) {
    case CM_STATE_POWER_ON:
      return "power-on";
    case CM_STATE_SELF_TEST:
      return "self-test";
    case CM_STATE_READY:
      return "ready";
    case CM_STATE_OPERATIONAL:
      return "operational";
    case CM_STATE_ERROR:
      return "error";
    case CM_STATE_ZEROISED:
      return "zeroised";
    default:
      return "unknown";
  }
}

const char* audit_text(uint32_t audit) {
  switch (audit) {
    case CM_AUDIT_NONE:
      return "none";
    case CM_AUDIT_CONNECTED:
      return "connected";
    case CM_AUDIT_LOST:
      return "lost";
    case CM_AUDIT_NO_SPACE:
      return "no-space";
    case CM_AUDIT_NO_TPM:
      return "no-tpm";
    default:
      return "unknown";
  }
}

// Lane: one word of cm_status_info.lanes, "gcm=vaes512".
struct Lane {
  std::string algorithm;
  std::string lane;
};

std::vector<Lane> lanes_of(std::string_view words) {
  std::vector<Lane> lanes;
  while (!words.empty()) {
    const size_t space = words.find(' ');
    const std::string_view word = words.substr(0, space);
    words = space == std::string_view::npos ? std::string_view{} : words.substr(space + 1);
    const size_t equals = word.find('=');
    if (equals != std::string_view::npos)
      lanes.push_back({std::string(word.substr(0, equals)), std::string(word.substr(equals + 1))});
  }
  return lanes;
}

// Start: what cm_init said, and the module's own words while it is up.
struct Start {
  cm_rc rc;
  std::string failure;  // empty when it started

  explicit Start(const AuditPlace& place) : rc(ModuleRun::start(place)) {
    if (!CM_SUCCEEDED(rc)) failure = ModuleRun::init_failure(rc, place);
  }
};

// finish: ends the module; the exit code of the command. Without a writer, or in the error state, there may be nothing
// to end, and the failure that is known already is the one to tell.
int finish(const Start& start, bool good) {
  const cm_rc rc = cm_shutdown();
  if (!start.failure.empty()) throw Failure(kExitFailed, start.failure);
  require(rc, "the end of the audit log is not confirmed");
  return good ? kExitOk : kExitFailed;
}

// ---- selftest

const char* result_text(const cm_selftest_row& row) { return row.result == 0 ? "passed" : "FAILED"; }

Json selftest_json(const std::vector<cm_selftest_row>& rows, const cm_status_info& info, bool passed) {
  Json tests = Json::array();
  for (const cm_selftest_row& row : rows)
    tests.push_back({{"name", row.name},
                     {"lane", row.lane},
                     {"result", row.result == 0 ? "passed" : "failed"},
                     {"code", cm_rc_name(row.result)},
                     {"us", row.ns / 1000.0}});
  return {{"result", passed ? "passed" : "failed"},
          {"tests", tests},
          {"load_to_operational_ms", ms(info.load_to_ready_ns)},
          {"writer_connect_ms", ms(info.writer_connect_ns)}};
}

void print_selftest(const std::vector<cm_selftest_row>& rows, const cm_status_info& info) {
  fmt::print("{:<34} {:<10} {:<7} {:>10}\n", "self-test", "lane", "result", "us");
  size_t failed = 0;
  for (const cm_selftest_row& row : rows) {
    failed += row.result != 0 ? 1 : 0;
    fmt::print("{:<34} {:<10} {:<7} {:>10.1f}\n", row.name, row.lane, result_text(row), row.ns / 1000.0);
  }
  fmt::print("\n{} self-tests, {} failed\n", rows.size(), failed);
  fmt::print("load to operational {:.2f} ms (integrity and all self-tests), connection to the writer {:.2f} ms\n",
             ms(info.load_to_ready_ns), ms(info.writer_connect_ns));
}

// ---- status

Json status_json(const cm_version_info& version, const cm_status_info& info) {
  Json lanes = Json::object();
  for (const Lane& lane : lanes_of(info.lanes)) lanes[lane.algorithm] = lane.lane;
  return {{"name", version.name},
          {"version", version.version},
          {"build", version.build},
          {"abi", version.abi},
          {"module_digest", to_hex(info.module_digest)},
          {"state", state_text(info.state)},
          {"error", cm_rc_name(info.error)},
          {"failed_test", info.failed_test},
          {"policy", info.policy == CM_POLICY_APPROVED_ONLY ? "approved-only" : "none"},
          {"lanes", lanes},
          {"audit", audit_text(info.audit)},
          {"audit_error", info.audit_error},
          {"tpm", info.tpm},
          {"log_id", to_hex(info.log_id)},
          {"arena", info.arena},
          {"keys_in_use", info.keys_in_use},
          {"refused_calls", info.refused_calls},
          {"reentered_calls", info.reentered_calls},
          {"load_to_operational_ms", ms(info.load_to_ready_ns)},
          {"writer_connect_ms", ms(info.writer_connect_ns)}};
}

void print_status(const cm_version_info& version, const cm_status_info& info) {
  const auto line = [](const char* label, const std::string& text) { fmt::print("{:<14} {}\n", label, text); };
  line("version", fmt::format("{} {} ({})", version.name, version.version, version.build));
  line("module digest", to_hex(info.module_digest));
  line("state", state_text(info.state));
  if (info.error != 0) line("failed", fmt::format("{} ({})", info.failed_test, cm_rc_name(info.error)));
  line("lanes", info.lanes);
  line("audit", audit_text(info.audit));
  line("tpm", info.tpm);
  line("log id", to_hex(info.log_id));
  line("arena", info.arena);
  line("start", fmt::format("load to operational {:.2f} ms, connection to the writer {:.2f} ms",
                            ms(info.load_to_ready_ns), ms(info.writer_connect_ns)));
  fmt::print("\nBuilt in the style of FIPS 140-3. Not validated.\n");
}

void print_json(const Json& json) { fmt::print("{}\n", json.dump(2)); }

}  // namespace

int selftest_command(const Options& options) {
  constexpr size_t kRowsMax = 1024;
  const Start start(options.place);
  std::vector<cm_selftest_row> rows(kRowsMax);
  size_t count = 0;
  // Without a session: it cannot be opened in the error state, where the rows say most.
  const cm_rc tested = cm_selftest(cm_session{0}, rows.data(), rows.size(), &count);
  rows.resize(count < kRowsMax ? count : kRowsMax);
  const cm_status_info info = cryptomod::status();
  const bool passed = CM_SUCCEEDED(tested);
  if (options.json)
    print_json(selftest_json(rows, info, passed));
  else
    print_selftest(rows, info);
  if (!passed && start.failure.empty())
    fmt::print(stderr, "cryptomod: {} ({})\n", cm_rc_text(tested), cm_rc_name(tested));
  return finish(start, passed);
}

int status_command(const Options& options) {
  const Start start(options.place);
  const cm_version_info version = cryptomod::version();
  const cm_status_info info = cryptomod::status();
  if (options.json)
    print_json(status_json(version, info));
  else
    print_status(version, info);
  return finish(start, true);
}

}  // namespace cm::tool
