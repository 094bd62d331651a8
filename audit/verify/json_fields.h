// SPDX-License-Identifier: Apache-2.0
// json_fields.h: reading of small JSON files whose fields are known: trust roots, and the letters of an enrolment.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "audit/payload.h"
#include "audit/verify/trust.h"

namespace cm::audit::verify {

// Fields: reads typed members of one JSON object and remembers the first that is missing or wrong. Of what is no object
// every member is missing.
class Fields {
 public:
  explicit Fields(const nlohmann::json& object) : object_(object) {}

  template <class U>
  U number(const char* name) {
    const auto it = object_.find(name);
    if (it != object_.end() && it->is_number_unsigned() && it->get<uint64_t>() <= std::numeric_limits<U>::max())
      return static_cast<U>(it->get<uint64_t>());
    fail(name);
    return 0;
  }
  std::string text(const char* name) {
    const auto it = object_.find(name);
    if (it != object_.end() && it->is_string()) return it->get<std::string>();
    fail(name);
    return {};
  }
  Bytes hex(const char* name) {
    if (auto bytes = parse_hex(text(name))) return *bytes;
    fail(name);
    return {};
  }
  template <size_t N>
  std::array<uint8_t, N> hex_array(const char* name) {
    std::array<uint8_t, N> out{};
    const Bytes bytes = hex(name);
    if (bytes.size() == N)
      std::copy(bytes.begin(), bytes.end(), out.begin());
    else
      fail(name);
    return out;
  }
  void fail(const char* name) {
    if (bad_.empty()) bad_ = name;
  }
  const std::string& bad() const { return bad_; }

 private:
  const nlohmann::json& object_;
  std::string bad_;
};

// endorsement_in: the object of an enrolment record.
Endorsement endorsement_in(Fields& f);

}  // namespace cm::audit::verify
