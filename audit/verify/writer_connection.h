// SPDX-License-Identifier: Apache-2.0
// writer_connection.h: one question to a running writer over its socket (audit/wire.h), for the commands that ask it.
// What it answers is believed by nobody here.
#pragma once
#include <cstring>
#include <span>
#include <string>

#include "audit/wire.h"

namespace cm::audit::verify {

// WriterConnection: every failure is one sentence on standard error.
class WriterConnection {
 public:
  WriterConnection();
  ~WriterConnection();
  WriterConnection(const WriterConnection&) = delete;
  WriterConnection& operator=(const WriterConnection&) = delete;

  bool open(const std::string& path, uint32_t timeout_s) const;
  // ask: sends one packet and takes one of the other kind as the answer.
  template <class Question, class Answer>
  bool ask(const Question& question, WireType type, Answer& answer) const {
    const std::span<const uint8_t> sent(reinterpret_cast<const uint8_t*>(&question), sizeof question);
    const std::span<uint8_t> taken(reinterpret_cast<uint8_t*>(&answer), sizeof answer);
    if (!exchange(sent, taken)) return false;
    return (answer.type == static_cast<uint32_t>(type) && answer.version == kWireVersion) || not_of_this_version();
  }

 private:
  bool exchange(std::span<const uint8_t> question, std::span<uint8_t> answer) const;
  static bool not_of_this_version();

  const int fd_;
};

}  // namespace cm::audit::verify
