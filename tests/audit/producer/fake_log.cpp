// SPDX-License-Identifier: Apache-2.0
// fake_log.cpp: see fake_log.h.
#include "fake_log.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace cm::audit::test {
namespace {

struct FileRow {
  ClientId id;
  uint32_t ring;
  uint32_t is_record;  // 0: only says that the client exists
  Record record;
};

void write_row(int file, const FileRow& row) {
  if (file >= 0 && write(file, &row, sizeof row) != static_cast<ssize_t>(sizeof row))
    throw std::runtime_error("fake log: cannot write");
}

}  // namespace

FakeLog::FakeLog(const std::string& file) {
  file_ = open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file_ < 0) throw std::runtime_error("fake log: cannot open " + file);
  FileRow row;
  while (read(file_, &row, sizeof row) == static_cast<ssize_t>(sizeof row)) {
    if (find(row.id) == nullptr) clients_.push_back({row.id, {}, {}});
    if (row.is_record != 0) find(row.id)->rings[row.ring].push_back(row.record);
  }
}

FakeLog::~FakeLog() {
  if (file_ >= 0) close(file_);
}

FakeLog::Client* FakeLog::find(const ClientId& id) {
  for (Client& c : clients_)
    if (c.id == id) return &c;
  return nullptr;
}

ClientId FakeLog::new_client() {
  const std::lock_guard guard(mutex_);
  ClientId id{};
  if (getrandom(id.data(), id.size(), 0) != static_cast<ssize_t>(id.size())) throw std::runtime_error("getrandom");
  clients_.push_back({id, {}, {}});
  write_row(file_, {id, 0, 0, Record{}});
  return id;
}

bool FakeLog::knows(const ClientId& id) const {
  const std::lock_guard guard(mutex_);
  return find(id) != nullptr;
}

std::array<uint8_t, kSealSeedSize> FakeLog::seal_seed(const ClientId& id) {
  std::array<uint8_t, kSealSeedSize> seed{};
  std::copy(id.begin(), id.end(), seed.begin());
  return seed;
}

uint64_t FakeLog::expected_seal(Client& client, uint32_t ring, const Record& record) {
  std::unique_ptr<SealChain>& chain = client.seals[ring];
  if (!chain) {
    chain = std::make_unique<SealChain>();
    seal_start(*chain, Lane::kPortable, seal_seed(client.id).data(), ring);
    seal_skip(*chain, client.rings[ring].size());
  }
  uint64_t words[kSealWords];
  std::memcpy(words, static_cast<const void*>(&record), sizeof words);
  const uint64_t seal = seal_of(*chain, words);
  seal_done(*chain);
  return seal;
}

void FakeLog::append(const ClientId& id, uint32_t ring, const Record& record) {
  const std::lock_guard guard(mutex_);
  std::vector<Record>& records = find(id)->rings[ring];
  if (record.ring_seq != static_cast<uint32_t>(records.size()))
    complaints_.push_back("ring " + std::to_string(ring) + " record " + std::to_string(records.size()) + " says " +
                          std::to_string(record.ring_seq));
  if (record.seal != expected_seal(*find(id), ring, record))
    complaints_.push_back("ring " + std::to_string(ring) + " record " + std::to_string(records.size()) +
                          " has another seal");
  records.push_back(record);
  write_row(file_, {id, ring, 1, record});
}

uint64_t FakeLog::count(const ClientId& id, uint32_t ring) const {
  const std::lock_guard guard(mutex_);
  const Client* client = find(id);
  if (client == nullptr) return 0;
  const auto at = client->rings.find(ring);
  return at == client->rings.end() ? 0 : at->second.size();
}

void FakeLog::complain(const std::string& what) {
  const std::lock_guard guard(mutex_);
  complaints_.push_back(what);
}

std::vector<ClientId> FakeLog::clients() const {
  const std::lock_guard guard(mutex_);
  std::vector<ClientId> ids;
  for (const Client& c : clients_) ids.push_back(c.id);
  return ids;
}

std::vector<Record> FakeLog::ring(const ClientId& id, uint32_t ring) const {
  const std::lock_guard guard(mutex_);
  const Client* client = find(id);
  if (client == nullptr) return {};
  const auto at = client->rings.find(ring);
  return at == client->rings.end() ? std::vector<Record>{} : at->second;
}

std::vector<Record> FakeLog::all_of(const ClientId& id) const {
  const std::lock_guard guard(mutex_);
  std::vector<Record> all;
  const Client* client = find(id);
  if (client != nullptr)
    for (const auto& [ring, records] : client->rings) all.insert(all.end(), records.begin(), records.end());
  return all;
}

std::vector<std::string> FakeLog::complaints() const {
  const std::lock_guard guard(mutex_);
  return complaints_;
}

bool calls_are_paired(const std::vector<Record>& ring) {
  uint32_t open = 0;
  for (const Record& r : ring) {
    if (is_exit(r) ? (r.event_id & ~kExitBit) != open : open != 0) return false;
    open = is_exit(r) ? 0 : r.event_id;
  }
  return open == 0;
}

}  // namespace cm::audit::test
