// SPDX-License-Identifier: Apache-2.0
// fake_log.h: what a fake writer has taken from its clients, by client and ring, and every rule of ring.h it saw
// broken. It outlives the fake writer, as a log does; with a file it outlives the process too. Test code: it may throw.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "audit/record.h"
#include "audit/seal.h"
#include "audit/wire.h"

namespace cm::audit::test {

using ClientId = std::array<uint8_t, kIdSize>;

class FakeLog {
 public:
  FakeLog() = default;
  explicit FakeLog(const std::string& file);  // loads what is there; later records are appended before append returns
  ~FakeLog();
  FakeLog(const FakeLog&) = delete;
  FakeLog& operator=(const FakeLog&) = delete;

  ClientId new_client();
  // seal_seed: of a client's seals; the same in every process that has this log.
  static std::array<uint8_t, kSealSeedSize> seal_seed(const ClientId& id);
  bool knows(const ClientId& id) const;
  void append(const ClientId& id, uint32_t ring, const Record& record);
  uint64_t count(const ClientId& id, uint32_t ring) const;
  void complain(const std::string& what);

  std::vector<ClientId> clients() const;  // in order of arrival
  std::vector<Record> ring(const ClientId& id, uint32_t ring) const;
  std::vector<Record> all_of(const ClientId& id) const;
  std::vector<std::string> complaints() const;

 private:
  struct Client {
    ClientId id;
    std::map<uint32_t, std::vector<Record>> rings;
    std::map<uint32_t, std::unique_ptr<SealChain>> seals;  // of the rings that were read since this log was loaded
  };
  uint64_t expected_seal(Client& client, uint32_t ring, const Record& record);
  Client* find(const ClientId& id);
  const Client* find(const ClientId& id) const { return const_cast<FakeLog*>(this)->find(id); }

  mutable std::mutex mutex_;
  std::vector<Client> clients_;
  std::vector<std::string> complaints_;
  int file_ = -1;
};

// calls_are_paired: in a thread's ring entries and exits alternate, each exit of the event of its entry.
bool calls_are_paired(const std::vector<Record>& ring);

}  // namespace cm::audit::test
