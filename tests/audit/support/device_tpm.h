// SPDX-License-Identifier: Apache-2.0
// device_tpm.h: a software TPM behind a character device: a terminal whose other side is bridged to its socket. It can
// be as slow as a chip, and fail.
#pragma once
#include <sys/types.h>

#include <atomic>
#include <string>
#include <thread>

namespace cm::audit_test {

class DeviceTpm {
 public:
  // Its state and socket lie below base.
  explicit DeviceTpm(const std::string& base);
  ~DeviceTpm();
  DeviceTpm(const DeviceTpm&) = delete;
  DeviceTpm& operator=(const DeviceTpm&) = delete;

  // name: of the device file.
  const std::string& name() const { return name_; }
  // fail_once: the next answer is an error.
  void fail_once() { fail_ = true; }
  // forget_answers: as a driver does whose user has gone.
  void forget_answers() const;
  // set_delay_ms: every command takes so much longer from now on.
  void set_delay_ms(int ms) { delay_ms_ = ms; }

 private:
  void bridge();

  pid_t pid_ = -1;
  int master_ = -1, slave_ = -1, tpm_ = -1;
  std::string name_;
  std::atomic<bool> stop_{false}, fail_{false};
  std::atomic<int> delay_ms_{0};
  std::thread bridge_;
};

}  // namespace cm::audit_test
