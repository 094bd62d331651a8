// SPDX-License-Identifier: Apache-2.0
// fake_writer.cpp: see fake_writer.h.
#include "fake_writer.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <climits>
#include <cstring>
#include <stdexcept>

namespace cm::audit::test {

struct FakeWriter::Client {
  int fd = -1;
  int memfd = -1;
  uint8_t* base = nullptr;
  size_t size = 0;
  ClientId id{};
  WireHello hello{};

  ~Client() {
    if (base != nullptr) munmap(base, size);
    if (memfd >= 0) close(memfd);
    if (fd >= 0) close(fd);
  }
  WriterPage* page() const { return reinterpret_cast<WriterPage*>(base + kSharedPage); }
  RingControl* control(uint32_t ring) const {
    return reinterpret_cast<RingControl*>(base + ring_controls_offset()) + ring;
  }
  const Record* slots(uint32_t ring) const {
    return reinterpret_cast<const Record*>(base + ring_records_offset(hello.ring_count)) +
           size_t{ring} * hello.ring_records;
  }
};

namespace {

void futex(std::atomic<uint32_t>& word, int op, uint32_t value, const timespec* t = nullptr) {
  syscall(SYS_futex, &word, op, value, t, nullptr, 0);
}

const ClientId kLogId{7, 7, 7, 7};

}  // namespace

FakeWriter::FakeWriter(std::string socket_path, FakeLog& log, Greeting first_greeting)
    : greeting(first_greeting), path_(std::move(socket_path)), log_(log) {
  if (getrandom(&incarnation_, sizeof incarnation_, 0) != sizeof incarnation_) throw std::runtime_error("getrandom");
  incarnation_ |= 1;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) throw std::runtime_error("fake writer: path too long");
  std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
  unlink(path_.c_str());
  listener_ = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(listener_, 16) != 0)
    throw std::runtime_error("fake writer: cannot listen on " + path_);
  thread_ = std::thread([this] { run(); });
}

FakeWriter::~FakeWriter() { die(); }

void FakeWriter::die() {
  if (!thread_.joinable()) return;
  stop_ = true;
  {
    const std::lock_guard guard(mutex_);
    for (const auto& client : clients_) futex(client->page()->doorbell, FUTEX_WAKE, INT_MAX);
  }
  thread_.join();
  unlink(path_.c_str());
  close(listener_);
  const std::lock_guard guard(mutex_);
  clients_.clear();
}

void FakeWriter::run() {
  while (!stop_) {
    accept_one();
    {
      const std::lock_guard guard(mutex_);
      for (size_t i = 0; i < clients_.size();) {
        if (drains_) drain(*clients_[i]);
        if (hear(*clients_[i]))
          ++i;
        else
          clients_.erase(clients_.begin() + static_cast<long>(i));
      }
    }
    if (sleeps)
      sleep_on_doorbell();
    else
      usleep(100);
  }
}

void FakeWriter::accept_one() {
  const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) return;
  auto client = std::make_unique<Client>();
  client->fd = fd;
  if (!take_hello(*client)) return;
  const std::lock_guard guard(mutex_);  // whoever sees the Welcome finds the client
  if (!greet(*client)) return;
  clients_.push_back(std::move(client));
}

bool FakeWriter::take_hello(Client& client) {
  pollfd p{client.fd, POLLIN, 0};
  poll(&p, 1, 5000);
  alignas(cmsghdr) uint8_t control[CMSG_SPACE(2 * sizeof(int))];
  iovec part{&client.hello, sizeof client.hello};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (recvmsg(client.fd, &message, MSG_CMSG_CLOEXEC) != static_cast<ssize_t>(sizeof client.hello)) return false;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_len != CMSG_LEN(2 * sizeof(int))) {
    log_.complain("Hello without two descriptors");
    return false;
  }
  int descriptors[2];
  std::memcpy(descriptors, CMSG_DATA(header), sizeof descriptors);
  client.memfd = descriptors[0];
  struct stat given, own;
  if (fstat(descriptors[1], &given) != 0 || stat("/proc/self/exe", &own) != 0) log_.complain("no executable");
  close(descriptors[1]);
  ++hellos;
  client.size = shared_size(client.hello.ring_count, client.hello.ring_records);
  void* base = mmap(nullptr, client.size, PROT_READ | PROT_WRITE, MAP_SHARED, client.memfd, 0);
  if (base == MAP_FAILED) throw std::runtime_error("fake writer: mmap");
  client.base = static_cast<uint8_t*>(base);
  SharedHeader shared;
  std::memcpy(&shared, client.base, sizeof shared);
  if (shared.magic != kRingMagic || shared.version != kRingVersion || shared.ring_count != client.hello.ring_count ||
      shared.ring_records != client.hello.ring_records || shared.record_size != kRecordSize ||
      shared.total_size != client.size)
    log_.complain("shared header does not fit Hello");
  const int seals = fcntl(client.memfd, F_GET_SEALS);
  if (seals != (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) log_.complain("memory is not sealed");
  return true;
}

bool FakeWriter::greet(Client& client) {
  const Greeting how = greeting;
  ClientId resume;
  std::memcpy(resume.data(), client.hello.resume_client_id, resume.size());
  const bool resumes = resume != ClientId{};
  if (resumes && !log_.knows(resume)) {
    log_.complain("a client resumes that the log does not know");
    return false;
  }
  if (how == Greeting::kHangUp) return false;
  if (how == Greeting::kSilent) return true;
  if (how == Greeting::kGarbage) return send(client.fd, "garbage", 7, MSG_NOSIGNAL) == 7;
  if (how == Greeting::kRefuse) {
    WireRefused refused{static_cast<uint32_t>(WireType::kRefused), "not \x01 today"};
    return send(client.fd, &refused, sizeof refused, MSG_NOSIGNAL) > 0;
  }
  client.id = resumes ? resume : log_.new_client();
  for (uint32_t ring = 0; ring < client.hello.ring_count; ++ring) {
    client.control(ring)->acked.store(log_.count(client.id, ring));
    client.control(ring)->extended.store(log_.count(client.id, ring));
  }
  client.page()->incarnation.store(incarnation_);
  WireWelcome w{};
  w.type = static_cast<uint32_t>(WireType::kWelcome);
  w.version = how == Greeting::kVersion ? 99 : kWireVersion;
  const ClientId shown = how == Greeting::kNoClientId    ? ClientId{}
                         : how == Greeting::kOtherClient ? ClientId{9}
                                                         : client.id;
  const ClientId log_id = how == Greeting::kNoLogId ? ClientId{} : how == Greeting::kOtherLog ? ClientId{8} : kLogId;
  std::memcpy(w.client_id, shown.data(), shown.size());
  std::memcpy(w.log_id, log_id.data(), log_id.size());
  if (!resumes) std::memcpy(w.seal_seed, FakeLog::seal_seed(client.id).data(), sizeof w.seal_seed);
  w.incarnation = incarnation_;
  w.tpm_kind = how == Greeting::kTpmKind ? 3 : 1;
  w.writer_pid = static_cast<uint32_t>(getpid());
  const size_t size = how == Greeting::kShort ? sizeof w - 1 : sizeof w;
  return send(client.fd, &w, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size);
}

void FakeWriter::drain(Client& client) {
  if (client.id == ClientId{}) return;
  bool changed = false;
  for (uint32_t ring = 0; ring < client.hello.ring_count; ++ring) {
    RingControl& control = *client.control(ring);
    const uint64_t head = control.head.load(std::memory_order_acquire);
    uint64_t done = log_.count(client.id, ring);
    if (head < done || head - done > client.hello.ring_records) {
      log_.complain("ring " + std::to_string(ring) + ": head " + std::to_string(head) + " with " +
                    std::to_string(done) + " acknowledged");
      continue;
    }
    for (; done < head; ++done) {
      log_.append(client.id, ring, client.slots(ring)[done % client.hello.ring_records]);
      changed = true;
    }
    if (control.acked.load() != done) control.acked.store(done, std::memory_order_release), changed = true;
    if (extends && control.extended.load() != done)
      control.extended.store(done, std::memory_order_release), changed = true;
  }
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (changed && client.page()->waiters.load() != 0) {
    client.page()->progress.fetch_add(1);
    futex(client.page()->progress, FUTEX_WAKE, INT_MAX);
  }
}

bool FakeWriter::hear(Client& client) {
  WireBye bye{};
  const ssize_t size = recv(client.fd, &bye, sizeof bye, MSG_DONTWAIT);
  if (size < 0 && errno == EAGAIN) return true;
  if (size != static_cast<ssize_t>(sizeof bye)) return false;
  if (bye.type != static_cast<uint32_t>(WireType::kBye)) log_.complain("a message that is not Bye");
  if (!answers_bye) return true;
  if (drains_) drain(client);
  if (bye.end_log != 0 && clients_.size() == 1) ended = true;
  const WireBye done{static_cast<uint32_t>(WireType::kByeDone), 0};
  if (send(client.fd, &done, sizeof done, MSG_NOSIGNAL) < 0) log_.complain("cannot answer Bye");
  return false;
}

// The protocol of ring.h. The doorbell is read before sleeping is set: a producer may ring as soon as it is.
void FakeWriter::sleep_on_doorbell() {
  WriterPage* doorbell_page = page();
  if (doorbell_page == nullptr) {
    usleep(100);
    return;
  }
  const uint32_t seen = doorbell_page->doorbell.load();
  doorbell_page->sleeping.store(1);
  syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
  bool work = false;
  {
    const std::lock_guard guard(mutex_);
    for (uint32_t ring = 0; ring < clients_[0]->hello.ring_count; ++ring)
      work |= clients_[0]->control(ring)->head.load() != clients_[0]->control(ring)->acked.load();
  }
  const timespec long_time{100, 0};
  if (!work && !stop_) futex(doorbell_page->doorbell, FUTEX_WAIT, seen, &long_time);
  if (doorbell_page->doorbell.load() != seen) ++doorbells;
  doorbell_page->sleeping.store(0);
}

FakeWriter::Client* FakeWriter::find(size_t client) {
  return client < clients_.size() ? clients_[client].get() : nullptr;
}

WriterPage* FakeWriter::page(size_t client) {
  const std::lock_guard guard(mutex_);
  const Client* c = find(client);
  return c != nullptr ? c->page() : nullptr;
}

RingControl* FakeWriter::control(uint32_t ring, size_t client) {
  const std::lock_guard guard(mutex_);
  const Client* c = find(client);
  return c != nullptr ? c->control(ring) : nullptr;
}

WireHello FakeWriter::hello(size_t client) {
  const std::lock_guard guard(mutex_);
  const Client* c = find(client);
  return c != nullptr ? c->hello : WireHello{};
}

void FakeWriter::set_drains(bool drains) {
  const std::lock_guard guard(mutex_);
  drains_ = drains;
}

void FakeWriter::set_flags(uint32_t flags, size_t client) {
  page(client)->flags.store(flags);
  wake(client);
}

void FakeWriter::wake(size_t client) {
  page(client)->progress.fetch_add(1);
  futex(page(client)->progress, FUTEX_WAKE, INT_MAX);
}

void FakeWriter::say(const std::string& packet, size_t client) {
  const std::lock_guard guard(mutex_);
  const Client* c = find(client);
  if (c == nullptr || send(c->fd, packet.data(), packet.size(), MSG_NOSIGNAL) < 0) log_.complain("nobody to talk to");
}

size_t FakeWriter::connected() {
  const std::lock_guard guard(mutex_);
  return clients_.size();
}

}  // namespace cm::audit::test
