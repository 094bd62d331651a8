// SPDX-License-Identifier: Apache-2.0
// wycheproof.h: reader of Wycheproof files. Only for tests that are compiled where CRYPTOMOD_EXTRA_VECTORS is defined.
#pragma once
#include <nlohmann/json.hpp>

#include <fstream>
#include <stdexcept>
#include <string>

#include "tests/support/rsp_file.h"

namespace cm::test {

// read_wycheproof: the parsed file; throws when it is missing, damaged or has another number of cases than it says.
inline nlohmann::json read_wycheproof(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot open " + path);
  nlohmann::json root = nlohmann::json::parse(file);
  size_t cases = 0;
  for (const auto& group : root.at("testGroups")) cases += group.at("tests").size();
  if (cases != root.at("numberOfTests").get<size_t>()) throw std::runtime_error("wrong number of cases in " + path);
  return root;
}

inline Bytes hex_field(const nlohmann::json& object, const char* name) {
  return from_hex(object.at(name).get<std::string>());
}

inline std::string case_name(const nlohmann::json& test) {
  return "tcId " + test.at("tcId").dump() + ": " + test.at("comment").get<std::string>();
}

}  // namespace cm::test
