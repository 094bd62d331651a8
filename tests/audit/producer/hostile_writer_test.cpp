// SPDX-License-Identifier: Apache-2.0
// hostile_writer_test.cpp: a writer that lies, in the handshake and in the shared memory. The producer must refuse,
// never crash, never overwrite, and find its way back when a right writer comes.
#include "producer_fixture.h"

namespace cm::audit::test {
namespace {

class HostileWriterTest : public ProducerTest {};

TEST_F(HostileWriterTest, a_wrong_welcome_is_no_attachment) {
  for (const Greeting greeting : {Greeting::kHangUp, Greeting::kGarbage, Greeting::kShort, Greeting::kNoClientId,
                                  Greeting::kNoLogId, Greeting::kVersion, Greeting::kTpmKind, Greeting::kRefuse}) {
    FakeWriter writer(socket_, log_, greeting);
    EXPECT_EQ(attach(config()), Status::kAudit) << static_cast<int>(greeting);
    EXPECT_FALSE(writer_error().empty());
    AuditInfo audit;
    info(audit);
    EXPECT_EQ(audit.state, AuditState::kNone);
    EXPECT_EQ(detach(), Status::kState);
  }
  FakeWriter writer(socket_, log_, Greeting::kRefuse);
  EXPECT_EQ(attach(config()), Status::kAudit);
  EXPECT_EQ(writer_error(), "the writer refuses this process: not ? today");
}

TEST_F(HostileWriterTest, nobody_listening_is_said) {
  EXPECT_EQ(attach(config()), Status::kAudit);
  EXPECT_NE(writer_error().find("socket"), std::string::npos) << writer_error();
}

TEST_F(HostileWriterTest, a_writer_that_comes_back_as_another_is_not_believed) {
  for (const Greeting greeting : {Greeting::kOtherClient, Greeting::kOtherLog, Greeting::kGarbage, Greeting::kHangUp}) {
    FakeLog log;
    auto writer = std::make_unique<FakeWriter>(socket_, log);
    ASSERT_EQ(attach(config(kLongMs)), Status::kOk);
    Port port{};
    ASSERT_EQ(do_call(port, class_c()), Status::kOk);
    writer->die();
    writer = std::make_unique<FakeWriter>(socket_, log, greeting);
    ASSERT_TRUE(eventually([&] { return writer->hellos.load() >= 2; }));
    AuditInfo audit;
    info(audit);
    EXPECT_EQ(audit.state, AuditState::kLost);
    writer->greeting = Greeting::kWelcome;
    EXPECT_EQ(do_call(port, class_b()), Status::kOk) << "the supervisor kept trying";
    port_close(port);
    ASSERT_EQ(detach(), Status::kOk);
  }
}

// Whoever acknowledges what was never published is dropped; a writer that takes the numbers from its log is welcome.
TEST_F(HostileWriterTest, acknowledgements_that_cannot_be_are_refused_and_repaired) {
  const auto lie_ahead = [](RingControl& c) { c.acked.store(c.head.load() + 1000000); };
  const auto lie_back = [](RingControl& c) { c.acked.store(0); };
  const auto lie_extended = [](RingControl& c) { c.extended.store(~uint64_t{0}); };
  for (int lie = 0; lie < 3; ++lie) {
    SCOPED_TRACE(lie);
    FakeWriter writer(socket_, log_);
    ASSERT_EQ(attach(config(kLongMs)), Status::kOk);
    Port port{};
    ASSERT_EQ(do_call(port, class_a()), Status::kOk);
    ASSERT_EQ(sync(port, false, kLongMs), Status::kOk);
    ASSERT_EQ(port.acked, 2u);
    writer.set_drains(false);
    RingControl& control = *writer.control(port.ring_index);
    const uint32_t hellos = writer.hellos;
    if (lie == 0) lie_ahead(control);
    if (lie == 1) lie_back(control);
    if (lie == 2) lie_extended(control);
    EXPECT_EQ(begin(port, lie == 2 ? class_a() : class_b()), Status::kAudit);
    ASSERT_TRUE(eventually([&] { return writer.hellos > hellos; })) << "the liar was not dropped";
    writer.set_drains(true);
    EXPECT_TRUE(eventually([&] { return succeeded(do_call(port, class_a())); }));
    port_close(port);
    ASSERT_EQ(detach(), Status::kOk);
  }
  expect_no_complaints();
}

TEST_F(HostileWriterTest, a_lie_never_makes_room_in_a_full_ring) {
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config(kShortMs)), Status::kOk);
  writer.set_drains(false);
  Port port{};
  for (int i = 0; i < 128; ++i) ASSERT_EQ(do_call(port, class_c()), Status::kOk);
  writer.control(port.ring_index)->acked.store(300);
  EXPECT_EQ(begin(port, class_c()), Status::kAudit);
  EXPECT_EQ(port.head, 256u);
  writer.set_drains(true);
  EXPECT_TRUE(eventually([&] { return succeeded(do_call(port, class_c())); }));
  ASSERT_EQ(sync(port, false, kLongMs), Status::kOk);
  EXPECT_EQ(ring_of(port.ring_index).size(), 258u);
  port_close(port);
  expect_no_complaints();
}

TEST_F(HostileWriterTest, a_scribbled_shared_header_changes_nothing) {
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config(kShortMs)), Status::kOk);
  Port port{};
  ASSERT_EQ(do_call(port, class_c()), Status::kOk);
  auto* base = reinterpret_cast<uint8_t*>(writer.page()) - kSharedPage;
  std::memset(base, 0xff, sizeof(SharedHeader));
  Port other{};
  ASSERT_EQ(do_call(other, class_b()), Status::kOk);
  ASSERT_EQ(do_call(port, class_b()), Status::kOk);
  port_close(other);
  port_close(port);
  expect_no_complaints();
}

// A packet nobody asked for: the connection is dropped and made anew.
TEST_F(HostileWriterTest, words_nobody_asked_for_end_the_connection) {
  FakeWriter writer(socket_, log_);
  ASSERT_EQ(attach(config(kLongMs)), Status::kOk);
  writer.say("hello there");
  ASSERT_TRUE(eventually([&] { return writer.hellos >= 2; }));
  Port port{};
  EXPECT_TRUE(eventually([&] { return succeeded(do_call(port, class_b())); }));
  const WireBye done{static_cast<uint32_t>(WireType::kByeDone), 0};
  writer.say(std::string(reinterpret_cast<const char*>(&done), sizeof done));
  ASSERT_TRUE(eventually([&] { return writer.hellos >= 3; })) << "a ByeDone without Bye";
  EXPECT_TRUE(eventually([&] { return succeeded(do_call(port, class_b())); }));
  port_close(port);
}

}  // namespace
}  // namespace cm::audit::test
