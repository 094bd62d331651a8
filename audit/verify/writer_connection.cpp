// SPDX-License-Identifier: Apache-2.0
// writer_connection.cpp: see writer_connection.h.
#include "audit/verify/writer_connection.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "audit/verify/output.h"
#include "audit/verify/report.h"

namespace cm::audit::verify {
namespace {

bool say(const std::string& text) {
  Output::complain(text + "\n");
  return false;
}

bool say_refusal(std::span<const uint8_t> packet) {
  WireRefused refused;
  std::memcpy(&refused, packet.data(), sizeof refused);
  if (refused.type != static_cast<uint32_t>(WireType::kRefused)) return say("what came is no answer of this version");
  const size_t length = strnlen(refused.reason, sizeof refused.reason);
  return say("the writer refuses: " + printable_text(std::string_view(refused.reason, length)));
}

}  // namespace

WriterConnection::WriterConnection() : fd_(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) {}

WriterConnection::~WriterConnection() {
  if (fd_ >= 0) close(fd_);
}

bool WriterConnection::open(const std::string& path, uint32_t timeout_s) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (fd_ < 0 || path.empty() || path.size() >= sizeof address.sun_path)
    return say("the socket's path must have 1 to 107 characters");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const timeval limit = {static_cast<time_t>(timeout_s), 0};
  if (setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
      connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return say(fmt::format("cannot reach a writer at {}: {}", path, std::strerror(errno)));
  return true;
}

bool WriterConnection::exchange(std::span<const uint8_t> question, std::span<uint8_t> answer) const {
  if (send(fd_, question.data(), question.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(question.size()))
    return say(fmt::format("cannot send the question: {}", std::strerror(errno)));
  std::vector<uint8_t> packet(std::max(answer.size(), sizeof(WireRefused)) + 1);
  const ssize_t size = recv(fd_, packet.data(), packet.size(), 0);
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return say("no answer in time");
  if (size == static_cast<ssize_t>(answer.size())) {
    std::memcpy(answer.data(), packet.data(), answer.size());
    return true;
  }
  if (size == sizeof(WireRefused)) return say_refusal(packet);
  return say("the writer ended the connection without an answer");
}

bool WriterConnection::not_of_this_version() { return say("what came is no answer of this version"); }

}  // namespace cm::audit::verify
