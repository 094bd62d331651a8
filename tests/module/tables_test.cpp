// SPDX-License-Identifier: Apache-2.0
// The central tables against each other and against the public header.
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "crypto/base/status.h"
#include "crypto/hash/hash_function.h"
#include "crypto/module/fsm.h"
#include "crypto/module/kdf_functions.h"
#include "crypto/module/key_algorithms.h"
#include "crypto/module/services.h"
#include "selftest/casts.h"

namespace cm {
namespace {

std::string public_header() {
  std::ifstream file(CM_SOURCE_DIR "/include/cryptomod/cryptomod.h");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::set<std::string> matches(const std::string& text, const char* pattern) {
  const std::regex expression(pattern);
  std::set<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), expression), end; it != end; ++it) found.insert((*it)[1]);
  return found;
}

TEST(Tables, every_exported_function_is_a_service_or_a_lookup) {
  std::set<std::string> expected{"cm_rc_text", "cm_rc_name", "cm_errno"};
  for (const ServiceRow& row : kServices) expected.insert(row.function);
  EXPECT_EQ(matches(public_header(), R"(CM_EXPORT[^;(]*?\*?\b(cm_\w+)\()"), expected);
}

TEST(Tables, every_result_code_of_the_header_has_a_row) {
  std::set<std::string> rows;
  for (const StatusRow& row : kStatusTable) rows.insert(row.name);
  const std::string header = public_header();
  std::set<std::string> codes = matches(header, R"((CM_ERR_\w+) = -)");
  codes.merge(matches(header, R"((CM_NOT_APPROVED_\w+) = )"));
  codes.insert("CM_OK");
  EXPECT_EQ(rows, codes);
}

TEST(Tables, result_lookups_answer_for_known_and_unknown_codes) {
  for (const StatusRow& row : kStatusTable) {
    EXPECT_STREQ(cm_rc_text(row.code), row.text);
    EXPECT_STREQ(cm_rc_name(row.code), row.name);
    EXPECT_EQ(cm_errno(row.code), row.errno_value);
    EXPECT_EQ(row.errno_value == 0, row.code >= 0) << row.name;
  }
  EXPECT_STREQ(cm_rc_text(-12345), "unknown result");
  EXPECT_STREQ(cm_rc_name(12345), "unknown");
  EXPECT_EQ(cm_errno(-12345), EINVAL);
}

bool has_self_test(const std::string& algorithm) {
  for (const CastRow& cast : kCasts)
    if (cast.algorithm == algorithm) return true;
  return false;
}

TEST(Tables, services_name_an_algorithm_that_has_a_self_test) {
  for (const ServiceRow& row : kServices) {
    const std::string algorithm = row.algorithm;
    if (algorithm.empty() || algorithm.starts_with("by ")) continue;  // of a key, a wrapping key, a function
    EXPECT_TRUE(has_self_test(algorithm)) << row.name << " needs a self-test of " << algorithm;
  }
}

TEST(Tables, every_algorithm_of_a_key_is_public_and_has_a_self_test) {
  const auto published = matches(public_header(), R"(\n  (CM_ALG_\w+) =)");
  EXPECT_EQ(published.size(), std::size(kKeyAlgorithms));
  std::set<std::string> names;
  for (const KeyAlgorithmRow& row : kKeyAlgorithms) {
    EXPECT_TRUE(std::string(row.self_test) == "by derivation" || has_self_test(row.self_test))
        << row.name << " needs a self-test of " << row.self_test;
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(key_algorithm(row.algorithm), &row);
  }
  EXPECT_EQ(key_algorithm(0), nullptr);
  EXPECT_EQ(key_algorithm(std::size(kKeyAlgorithms) + 1), nullptr);
}

TEST(Tables, every_hash_function_is_public_and_has_a_self_test) {
  const auto published = matches(public_header(), R"(\n  (CM_HASH_\w+) =)");
  EXPECT_EQ(published.size(), std::size(kHashFunctions));
  std::set<std::string> names;
  for (const HashFunctionRow& row : kHashFunctions) {
    EXPECT_TRUE(has_self_test(row.self_test)) << row.name << " needs a self-test of " << row.self_test;
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(hash_function(row.number), &row);
    if (row.kind == HashKind::kFixed) {
      EXPECT_STREQ(row.name, hash_row(row.fixed).name);
    }
  }
  EXPECT_EQ(hash_function(0), nullptr);
  EXPECT_EQ(hash_function(std::size(kHashFunctions) + 1), nullptr);
}

TEST(Tables, every_key_derivation_is_public_and_has_a_self_test) {
  const auto published = matches(public_header(), R"(\n  (CM_KDF_\w+) = \d+[, \n])");
  EXPECT_EQ(published.size(), std::size(kKdfFunctions));
  std::set<std::string> names;
  for (const KdfFunctionRow& row : kKdfFunctions) {
    EXPECT_TRUE(has_self_test(row.self_test)) << row.name << " needs a self-test of " << row.self_test;
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(kdf_function(row.function), &row);
  }
  EXPECT_EQ(kdf_function(0), nullptr);
  EXPECT_EQ(kdf_function(std::size(kKdfFunctions) + 1), nullptr);
}

TEST(Tables, output_of_keys_and_change_of_policy_wait_for_the_tpm) {
  for (const ServiceRow& row : kServices) {
    if (row.ssp == SspUse::kOutputs || row.ssp == SspUse::kOutputsClear) {
      EXPECT_EQ(row.release, ReleaseClass::kA) << row.name;
    }
    if (row.ssp == SspUse::kOutputsClear) {
      EXPECT_EQ(row.roles, Roles::kOfficer) << row.name;
    }
  }
  EXPECT_EQ(service(EventId::kPolicySet).release, ReleaseClass::kA);
}

TEST(Fsm, every_pair_not_listed_leads_to_the_error_state) {
  for (uint32_t state = 0; state < kStateCount; ++state)
    for (uint32_t event = 0; event < kFsmEventCount; ++event) {
      State listed = State::kError;
      for (const Transition& t : kTransitions)
        if (t.from == static_cast<State>(state) && t.event == static_cast<FsmEvent>(event)) listed = t.to;
      EXPECT_EQ(next_state(static_cast<State>(state), static_cast<FsmEvent>(event)), listed);
    }
}

TEST(Fsm, no_way_leads_from_error_to_operational_without_a_full_self_test) {
  // All states that can be reached from kError by any events but kTestsBegin.
  bool seen[kStateCount] = {};
  seen[static_cast<size_t>(State::kError)] = true;
  for (size_t round = 0; round < kStateCount; ++round)
    for (const Transition& t : kTransitions)
      if (t.event != FsmEvent::kTestsBegin && seen[static_cast<size_t>(t.from)]) seen[static_cast<size_t>(t.to)] = true;
  EXPECT_FALSE(seen[static_cast<size_t>(State::kOperational)]);
  EXPECT_FALSE(seen[static_cast<size_t>(State::kReady)]);
}

}  // namespace
}  // namespace cm
