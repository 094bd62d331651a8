// SPDX-License-Identifier: Apache-2.0
// release_table_test.cpp: reads the table class x condition of docs/audit.md and tries every cell. "At once" is tried
// with a bound of a minute: a call that waited would not come back before the test's own limit. "Waits" is tried with a
// short one.
#include <fstream>
#include <map>
#include <sstream>

#include "producer_fixture.h"

namespace cm::audit::test {
namespace {

using Row = std::map<std::string, std::string>;  // column -> cell

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream in(line.substr(1));
  for (std::string cell; std::getline(in, cell, '|');) {
    const size_t first = cell.find_first_not_of(' ');
    const size_t last = cell.find_last_not_of(' ');
    cells.push_back(first == std::string::npos ? "" : cell.substr(first, last - first + 1));
  }
  return cells;
}

std::map<std::string, Row> read_table() {
  std::ifstream page(CM_AUDIT_PAGE);
  std::map<std::string, Row> table;
  std::vector<std::string> columns;
  for (std::string line; std::getline(page, line);) {
    if (line.rfind("| condition |", 0) == 0) {
      columns = cells_of(line);
      std::getline(page, line);
    } else if (!columns.empty()) {
      if (line.empty() || line[0] != '|') break;
      const std::vector<std::string> cells = cells_of(line);
      for (size_t i = 1; i < cells.size() && i < columns.size(); ++i) table[cells[0]][columns[i]] = cells[i];
    }
  }
  return table;
}

Call call_of(const std::string& column) {
  if (column == "A") return class_a();
  if (column == "B") return class_b();
  if (column == "C") return class_c();
  return act_first();
}

// Scene: one condition, made and then met by one call of each class.
struct Scene {
  std::unique_ptr<FakeWriter> writer;
  std::vector<Port> others;
  Port port{};
};

class ReleaseTableTest : public ProducerTest {
 protected:
  void attach_to(Scene& scene, uint32_t wait_ms, uint32_t ring_count = 8) {
    scene.writer = std::make_unique<FakeWriter>(socket_, log_);
    ASSERT_EQ(attach(config(wait_ms, ring_count)), Status::kOk) << writer_error();
    ASSERT_EQ(do_call(scene.port, class_c()), Status::kOk);
  }
  // fill_ring: up to what the writer has acknowledged by now; the port may not have looked for a while.
  static void fill_ring(Scene& scene) {
    Port& port = scene.port;
    const uint64_t acked = scene.writer->control(port.ring_index)->acked.load();
    while (port.head + 2 - acked <= port.mask + 1) ASSERT_EQ(do_call(port, class_c()), Status::kOk);
  }

  void make(const std::string& condition, Scene& scene, uint32_t wait_ms) {
    if (condition == "not attached") return;
    if (condition == "not attached, buffer full") {
      while (succeeded(event(0x20002, 0, 0, 0))) {
      }
      return;
    }
    attach_to(scene, wait_ms, condition == "no ring free" ? 1 : 8);
    if (condition == "writer dead") {
      scene.writer->die();
    } else if (condition == "ring full") {
      scene.writer->set_drains(false);
      fill_ring(scene);
    } else if (condition == "disk full") {
      scene.writer->set_drains(false);
      scene.writer->set_flags(kWriterNoSpace);
    } else if (condition == "TPM gone") {
      scene.writer->extends = false;
      scene.writer->set_flags(kWriterNoTpm);
    } else if (condition == "TPM gone, tail full") {
      scene.writer->set_drains(false);
      scene.writer->set_flags(kWriterNoTpm | kWriterTailLimit);
    } else if (condition == "no ring free") {
      scene.others.push_back(scene.port);
      scene.port = Port{};
    } else {
      FAIL() << "no scene for the condition \"" << condition << "\" of docs/audit.md";
    }
  }

  // meet: the behaviour of one call in the words of the page.
  std::string meet(Scene& scene, const Call& call, uint32_t wait_ms) {
    const auto waited = [&](uint64_t since) { return monotonic_ns() - since >= uint64_t{wait_ms} * 1'000'000; };
    const uint64_t begin_at = monotonic_ns();
    if (!succeeded(begin(scene.port, call))) return waited(begin_at) ? "waits, refused" : "refused";
    const bool begin_waited = waited(begin_at);
    const bool recorded = scene.port.place != CallPlace::kNowhere;
    end(scene.port, call, Status::kOk, 0);
    if (begin_waited) return "waits, runs";
    if (call.release != ReleaseClass::kActFirst) return recorded ? "runs" : "runs unrecorded";
    const uint64_t settle_at = monotonic_ns();
    const bool settled = succeeded(settle(scene.port));
    if (settled) return recorded ? "runs" : "runs unrecorded";
    if (!recorded) return waited(settle_at) ? "runs unrecorded, waits, pending" : "runs unrecorded, pending";
    return waited(settle_at) ? "runs, waits, pending" : "runs, pending";
  }

  void expect_cell(const std::string& condition, const std::string& column, const std::string& cell) {
    SCOPED_TRACE("condition \"" + condition + "\", class " + column);
    const bool waits = cell.find("waits") != std::string::npos;
    const uint32_t wait_ms = waits ? kShortMs : kLongMs;
    Scene scene;
    make(condition, scene, wait_ms);
    if (HasFatalFailure()) return;
    const uint64_t refused_before = refused();
    const std::string seen = meet(scene, call_of(column), wait_ms);
    EXPECT_EQ(seen, cell);
    EXPECT_EQ(refused() - refused_before, seen == "refused" || seen == "waits, refused" ? 1u : 0u);
    port_close(scene.port);
    for (Port& port : scene.others) port_close(port);
    if (scene.writer) {
      scene.writer->die();
      scene.writer = std::make_unique<FakeWriter>(socket_, log_);  // so that the goodbye finds somebody
    }
    static_cast<void>(detach());
    empty_boot_buffer();
  }

  static uint64_t refused() {
    AuditInfo audit;
    info(audit);
    return audit.refused;
  }
  void empty_boot_buffer() {
    FakeWriter writer(socket_, log_);
    ASSERT_EQ(attach(config()), Status::kOk) << writer_error();
    ASSERT_EQ(detach(), Status::kOk);
  }
};

TEST_F(ReleaseTableTest, every_cell_of_the_page_is_what_the_library_does) {
  const std::map<std::string, Row> table = read_table();
  ASSERT_EQ(table.size(), 9u);
  for (const auto& [condition, row] : table) {
    ASSERT_EQ(row.size(), 4u) << condition;
    if (condition == "fork child, no writer") continue;  // the next test
    for (const auto& [column, cell] : row) expect_cell(condition, column, cell);
  }
}

TEST_F(ReleaseTableTest, a_fork_child_without_writer_does_what_the_page_says) {
  const Row row = read_table()["fork child, no writer"];
  ASSERT_EQ(row.size(), 4u);
  for (const auto& [column, cell] : row) {
    auto writer = std::make_unique<FakeWriter>(socket_, log_);
    ASSERT_EQ(attach(config(kShortMs)), Status::kOk);
    writer->die();
    const int verdict = in_child([&] {
      if (succeeded(fork_child(true))) return 10;
      Scene scene;
      const std::string seen = meet(scene, call_of(column), kShortMs);
      if (seen != cell) fprintf(stderr, "fork child, class %s: %s\n", column.c_str(), seen.c_str());
      return seen == cell ? 0 : 11;
    });
    EXPECT_EQ(verdict, 0) << column;
    static_cast<void>(detach());
  }
}

// A refused call of class A or B that had published its entry leaves an exit that says so; others leave nothing.
TEST_F(ReleaseTableTest, a_refused_call_leaves_what_the_page_says) {
  for (const Call& call : {class_a(), class_b(), class_c()}) {
    Scene scene;
    attach_to(scene, kShortMs);
    scene.writer->set_drains(false);
    const uint64_t head = scene.port.head;
    const Status status = do_call(scene.port, call);
    EXPECT_EQ(scene.port.head, head + 2);
    EXPECT_EQ(status, call.release == ReleaseClass::kC ? Status::kOk : Status::kAudit);
    fill_ring(scene);
    const uint64_t full = scene.port.head;
    EXPECT_EQ(do_call(scene.port, call), Status::kAudit);
    EXPECT_EQ(scene.port.head, full);
    scene.writer->set_drains(true);
    ASSERT_EQ(sync(scene.port, false, kLongMs), Status::kOk);
    const std::vector<Record> ring = log_.ring(log_.clients().back(), scene.port.ring_index);
    EXPECT_TRUE(calls_are_paired(ring));
    EXPECT_EQ(ring[head + 1].return_code,
              static_cast<uint32_t>(call.release == ReleaseClass::kC ? CM_OK : CM_ERR_AUDIT));
    ASSERT_TRUE(eventually([&] {
      const std::vector<Record> home = log_.ring(log_.clients().back(), 0);
      return !home.empty() && home.back().event_id == static_cast<uint32_t>(EventId::kHealthRefused);
    }));
    EXPECT_EQ(log_.ring(log_.clients().back(), 0).back().object, 1u);
    port_close(scene.port);
    ASSERT_EQ(detach(), Status::kOk);
  }
  expect_no_complaints();
}

TEST_F(ReleaseTableTest, unrecorded_acts_are_reported_when_there_is_room_again) {
  Scene scene;
  attach_to(scene, kShortMs);
  scene.writer->set_drains(false);
  fill_ring(scene);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(do_call(scene.port, act_first()), Status::kOk);
    EXPECT_EQ(settle(scene.port), Status::kAuditPending);
  }
  scene.writer->set_drains(true);
  uint64_t acts = 0;
  ASSERT_TRUE(eventually([&] {
    acts = 0;
    for (const Record& r : ring_of(0))
      if (r.event_id == static_cast<uint32_t>(EventId::kHealthRefused)) acts += r.detail;
    return acts == 3;
  })) << acts;
  port_close(scene.port);
}

TEST_F(ReleaseTableTest, service_resumes_when_the_condition_ends) {
  Scene scene;
  attach_to(scene, kLongMs);
  for (const uint32_t flags : {kWriterNoSpace, kWriterTailLimit | kWriterNoTpm, kWriterNoTpm}) {
    scene.writer->set_flags(flags);
    EXPECT_EQ(begin(scene.port, class_a()), Status::kAudit);
    scene.writer->set_flags(0);
    EXPECT_EQ(do_call(scene.port, class_a()), Status::kOk);
  }
  AuditInfo audit;
  scene.writer->set_flags(kWriterNoSpace);
  info(audit);
  EXPECT_EQ(audit.state, AuditState::kNoSpace);
  scene.writer->set_flags(kWriterNoTpm);
  info(audit);
  EXPECT_EQ(audit.state, AuditState::kNoTpm);
  port_close(scene.port);
}

// A writer that gives up while a call waits ends the wait.
TEST_F(ReleaseTableTest, a_condition_that_begins_during_a_wait_ends_it) {
  Scene scene;
  attach_to(scene, kLongMs);
  scene.writer->set_drains(false);
  std::thread helper([&] {
    EXPECT_TRUE(eventually([&] { return scene.writer->waiting(); }));
    scene.writer->set_flags(kWriterNoTpm);
  });
  EXPECT_EQ(begin(scene.port, class_a()), Status::kAudit);
  helper.join();
  scene.writer->set_flags(0);
  scene.writer->set_drains(true);
  port_close(scene.port);
}

}  // namespace
}  // namespace cm::audit::test
