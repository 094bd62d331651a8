// SPDX-License-Identifier: Apache-2.0
// writer_throughput.cpp: how many records a second a real writer takes, and how many bytes of log a million calls cost.
// Not a test: it prints figures. writer_throughput [RINGS [MILLION_CALLS]], log below TMPDIR.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <vector>

#include "audit/events.h"
#include "tests/audit/support/fake_client.h"
#include "tests/audit/support/writer_process.h"

namespace {

using cm::audit_test::FakeClient;

constexpr uint32_t kEntry = static_cast<uint32_t>(cm::audit::EventId::kAeadSeal);

uint64_t log_bytes(const std::string& dir) {
  uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) bytes += entry.file_size();
  return bytes;
}

void produce(FakeClient& client, uint32_t ring, uint64_t records) {
  for (uint64_t i = 0; i < records; ++i)
    if (!client.publish(ring, i % 2 == 0 ? kEntry : kEntry | cm::audit::kExitBit, i)) std::abort();
  if (!client.wait_acked(ring)) std::abort();
}

}  // namespace

int main(int argc, char** argv) {
  const uint32_t rings = argc > 1 ? static_cast<uint32_t>(std::atoi(argv[1])) : 2;
  const uint64_t calls = static_cast<uint64_t>((argc > 2 ? std::atof(argv[2]) : 1.0) * 1e6);
  const uint64_t records = 2 * calls / rings;
  const cm::audit_test::TempDir dir;
  cm::audit_test::WriterProcess writer(dir.path());
  if (writer.start() != "ready") return 1;
  FakeClient client(writer.run_dir(), {rings, 65536});
  if (!client.attach()) return 1;
  const uint64_t before = log_bytes(writer.log_dir());
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (uint32_t ring = 0; ring < rings; ++ring) threads.emplace_back([&, ring] { produce(client, ring, records); });
  for (std::thread& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const double total = static_cast<double>(records * rings);
  std::printf(
      "{\"name\":\"audit-writer-drain\",\"rings\":%u,\"records\":%.0f,\"seconds\":%.3f,"
      "\"records_per_s\":%.0f,\"log_bytes_per_million_calls\":%.0f}\n",
      rings, total, seconds, total / seconds,
      static_cast<double>(log_bytes(writer.log_dir()) - before) / (total / 2e6));
  client.detach(false);
  return writer.terminate();
}
