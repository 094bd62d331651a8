// SPDX-License-Identifier: Apache-2.0
// fake_client.cpp: see fake_client.h.
#include "tests/audit/support/fake_client.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <climits>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <thread>

namespace cm::audit_test {
namespace {

using audit::kIdSize;
using Clock = std::chrono::steady_clock;

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

}  // namespace

FakeClient::FakeClient(std::string run_dir, Geometry geometry)
    : run_dir_(std::move(run_dir)), geometry_(geometry), heads_(geometry.ring_count, 0), seals_(geometry.ring_count) {
  syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0);
  executable_fd_ = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  make_memory(kSeals, audit::shared_size(geometry_.ring_count, geometry_.ring_records));
}

FakeClient::~FakeClient() {
  disconnect();
  if (base_ != nullptr) munmap(base_, size_);
  close(memory_fd_);
  close(executable_fd_);
}

void FakeClient::make_memory(int seals, size_t size) {
  if (base_ != nullptr) munmap(base_, size_);
  if (memory_fd_ >= 0) close(memory_fd_);
  memory_fd_ = memfd_create("rings", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (memory_fd_ < 0 || ftruncate(memory_fd_, static_cast<off_t>(size)) != 0) throw std::runtime_error("memfd");
  size_ = size;
  void* base = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, memory_fd_, 0);
  if (base == MAP_FAILED) throw std::runtime_error("mmap");
  base_ = static_cast<uint8_t*>(base);
  const audit::SharedHeader header = {audit::kRingMagic,      audit::kRingVersion, geometry_.ring_count,
                                      geometry_.ring_records, audit::kRecordSize,  size};
  std::memcpy(base_, &header, sizeof header);
  if (fcntl(memory_fd_, F_ADD_SEALS, seals) != 0) throw std::runtime_error("seals");
}

audit::WriterPage& FakeClient::page() const {
  return *reinterpret_cast<audit::WriterPage*>(base_ + audit::kSharedPage);
}

audit::RingControl& FakeClient::control(uint32_t ring) const {
  return reinterpret_cast<audit::RingControl*>(base_ + audit::ring_controls_offset())[ring];
}

void FakeClient::set_executable(int fd) {
  close(executable_fd_);
  executable_fd_ = fd;
}

bool FakeClient::connect() {
  disconnect();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = run_dir_ + "/" + audit::kSocketName;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  socket_ = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  return ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

void FakeClient::disconnect() {
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
}

bool FakeClient::send_raw(const void* packet, size_t size, const std::vector<int>& fds) {
  alignas(cmsghdr) char buffer[CMSG_SPACE(16 * sizeof(int))] = {};
  iovec part = {const_cast<void*>(packet), size};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (!fds.empty()) {
    message.msg_control = buffer;
    message.msg_controllen = CMSG_SPACE(fds.size() * sizeof(int));
    cmsghdr* c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
    std::memcpy(CMSG_DATA(c), fds.data(), fds.size() * sizeof(int));
  }
  return sendmsg(socket_, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(size);
}

bool FakeClient::send_hello() {
  audit::WireHello hello{};
  hello.type = static_cast<uint32_t>(audit::WireType::kHello);
  hello.version = audit::kWireVersion;
  if (welcome_) std::memcpy(hello.resume_client_id, welcome_->client_id, kIdSize);
  std::memset(hello.module_digest, 0x5a, sizeof hello.module_digest);
  std::strcpy(hello.module_version, "test");
  std::strcpy(hello.lanes, "sha-256=portable");
  hello.seal_kind = audit::kSealChain;
  hello.ring_count = geometry_.ring_count;
  hello.ring_records = geometry_.ring_records;
  return send_raw(&hello, sizeof hello, {memory_fd_, executable_fd_});
}

bool FakeClient::send_bye(bool end_log) {
  const audit::WireBye bye = {static_cast<uint32_t>(audit::WireType::kBye), end_log ? 1u : 0u};
  return send_raw(&bye, sizeof bye);
}

std::vector<uint8_t> FakeClient::receive(int timeout_ms) {
  pollfd polled = {socket_, POLLIN, 0};
  if (poll(&polled, 1, timeout_ms) != 1) return {};
  std::vector<uint8_t> packet(4096);
  const ssize_t n = recv(socket_, packet.data(), packet.size(), 0);
  packet.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return packet;
}

bool FakeClient::peer_closed(int timeout_ms) {
  uint8_t packet[4096];
  pollfd polled = {socket_, POLLIN, 0};
  while (poll(&polled, 1, timeout_ms) == 1)
    if (recv(socket_, packet, sizeof packet, 0) <= 0) return true;
  return false;
}

bool FakeClient::attach() {
  refusal_.clear();
  if (!connect() || !send_hello()) return false;
  const std::vector<uint8_t> packet = receive();
  if (packet.size() == sizeof(audit::WireWelcome)) {
    audit::WireWelcome welcome;
    std::memcpy(&welcome, packet.data(), sizeof welcome);
    if (welcome_)
      std::memcpy(welcome.seal_seed, welcome_->seal_seed, sizeof welcome.seal_seed);  // a client that comes back
    else
      for (Seals& s : seals_) s = {};
    welcome_ = welcome;
    return welcome.type == static_cast<uint32_t>(audit::WireType::kWelcome);
  }
  if (packet.size() == sizeof(audit::WireRefused))
    refusal_ = reinterpret_cast<const char*>(packet.data()) + offsetof(audit::WireRefused, reason);
  return false;
}

bool FakeClient::detach(bool end_log, int timeout_ms) {
  if (!send_bye(end_log)) return false;
  const std::vector<uint8_t> packet = receive(timeout_ms);
  audit::WireBye answer{};
  if (packet.size() != sizeof answer) return false;
  std::memcpy(&answer, packet.data(), sizeof answer);
  return answer.type == static_cast<uint32_t>(audit::WireType::kByeDone);
}

audit::Record FakeClient::make_record(uint32_t ring, uint64_t seq, uint32_t event_id, uint64_t object) const {
  audit::Record record{};
  record.event_id = event_id;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  record.time_ns = static_cast<uint64_t>(now.tv_sec) * 1000000000u + static_cast<uint64_t>(now.tv_nsec);
  record.ring_id = 0xdead0000u + ring;  // the writer assigns its own
  record.ring_seq = static_cast<uint32_t>(seq);
  record.object = object;
  return record;
}

audit::Record FakeClient::sealed(uint32_t ring, uint64_t seq, audit::Record record) {
  if (!welcome_ || ring >= seals_.size()) return record;
  Seals& s = seals_[ring];
  if (s.chain && seq == s.at + 1) {
    audit::seal_done(*s.chain);
    ++s.at;
  } else if (!s.chain || seq != s.at) {
    if (!s.chain) s.chain = std::make_unique<audit::SealChain>();
    audit::seal_start(*s.chain, audit::seal_lane(), welcome_->seal_seed, ring);
    audit::seal_skip(*s.chain, seq);
    s.at = seq;
  }
  audit::Record covered = record;
  covered.ring_id = ring;
  uint64_t words[audit::kSealWords];
  std::memcpy(words, static_cast<const void*>(&covered), sizeof words);
  record.seal = audit::seal_of(*s.chain, words);
  return record;
}

void FakeClient::put_as_it_is(uint32_t ring, uint64_t seq, const audit::Record& record) {
  uint8_t* slots = base_ + audit::ring_records_offset(geometry_.ring_count);
  const size_t slot = seq & (geometry_.ring_records - 1);
  std::memcpy(slots + (size_t{ring} * geometry_.ring_records + slot) * audit::kRecordSize, &record, sizeof record);
}

void FakeClient::set_head(uint32_t ring, uint64_t head) {
  heads_[ring] = head;
  control(ring).head.store(head, std::memory_order_release);
  ring_doorbell(false);
}

void FakeClient::ring_doorbell(bool always) {
  if (!always && page().sleeping.load(std::memory_order_relaxed) == 0) return;
  page().doorbell.fetch_add(1, std::memory_order_seq_cst);
  syscall(SYS_futex, &page().doorbell, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

bool FakeClient::publish(uint32_t ring, uint32_t event_id, uint64_t object, int timeout_ms) {
  const uint64_t seq = heads_[ring];
  if (seq - acked(ring) >= geometry_.ring_records &&
      !wait_until(control(ring).acked, seq - geometry_.ring_records + 1, timeout_ms))
    return false;
  put(ring, seq, make_record(ring, seq, event_id, object));
  set_head(ring, seq + 1);
  return true;
}

bool FakeClient::wait_until(const std::atomic<uint64_t>& word, uint64_t target, int timeout_ms) {
  const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
  page().waiters.fetch_add(1, std::memory_order_seq_cst);
  ring_doorbell(true);
  bool reached = false;
  while (!(reached = word.load(std::memory_order_acquire) >= target) && Clock::now() < deadline) {
    const uint32_t seen = page().progress.load(std::memory_order_seq_cst);
    if (word.load(std::memory_order_acquire) >= target) continue;
    const timespec pause = {0, 20000000};
    syscall(SYS_futex, &page().progress, FUTEX_WAIT, seen, &pause, nullptr, 0);
  }
  page().waiters.fetch_sub(1, std::memory_order_seq_cst);
  return reached;
}

bool FakeClient::wait_acked(uint32_t ring, int timeout_ms) {
  return wait_until(control(ring).acked, heads_[ring], timeout_ms);
}

bool FakeClient::wait_extended(uint32_t ring, int timeout_ms) {
  return wait_until(control(ring).extended, heads_[ring], timeout_ms);
}

bool FakeClient::wait_flag(uint32_t flag, bool set, int timeout_ms) {
  const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
  while (Clock::now() < deadline) {
    if (((flags() & flag) != 0) == set) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

}  // namespace cm::audit_test
