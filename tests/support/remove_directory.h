// SPDX-License-Identifier: Apache-2.0
// remove_directory.h: the end of a test's directory. A software TPM that is ending may remove its own files at the same
// time, which std::filesystem::remove_all takes for a failure.
#pragma once
#include <chrono>
#include <filesystem>
#include <system_error>
#include <thread>

namespace cm::test {

inline void remove_directory(const std::filesystem::path& directory) {
  constexpr int kTries = 200;
  std::error_code error;
  for (int i = 0; i < kTries; ++i) {
    std::filesystem::remove_all(directory, error);
    if (!error) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace cm::test
