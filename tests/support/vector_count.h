// SPDX-License-Identifier: Apache-2.0
// vector_count.h: what became of the cases of one file of vectors on one lane: how many ran, by kind, and how many were
// left out, by reason. Both are printed and compared exactly, so that no case goes missing without a reason that
// somebody wrote down.
#pragma once
#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <string>
#include <utility>

#include "crypto/base/lane.h"

namespace cm::test {

class VectorCount {
 public:
  using Counts = std::map<std::string, size_t>;

  VectorCount(Lane lane, std::string file) : VectorCount(lane_name(lane), std::move(file)) {}
  VectorCount(const std::string& lane, std::string file) : name_(lane + " " + std::move(file)) {}

  void ran(const std::string& kind) { ++ran_[kind]; }
  void left_out(const std::string& reason) { ++left_out_[reason]; }

  // expect: to be called after the last case.
  void expect(const Counts& ran, const Counts& left_out = {}) const {
    std::printf("%s: %zu cases ran%s", name_.c_str(), sum(ran_), list(ran_).c_str());
    if (!left_out_.empty()) std::printf("; %zu left out%s", sum(left_out_), list(left_out_).c_str());
    std::printf("\n");
    EXPECT_EQ(ran_, ran) << name_;
    EXPECT_EQ(left_out_, left_out) << name_;
  }

 private:
  static size_t sum(const Counts& counts) {
    size_t all = 0;
    for (const auto& [what, count] : counts) all += count;
    return all;
  }
  static std::string list(const Counts& counts) {
    std::string text;
    for (const auto& [what, count] : counts) text += (text.empty() ? " (" : ", ") + std::to_string(count) + " " + what;
    return text.empty() ? text : text + ")";
  }

  std::string name_;
  Counts ran_, left_out_;
};

}  // namespace cm::test
