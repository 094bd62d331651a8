// SPDX-License-Identifier: Apache-2.0
// The strongest forgery: whoever reaches the TPM recreates the attestation key (a primary key is the same each time),
// resets the TPM, extends the frames of a changed history and lets the TPM quote them. The enrolment record, kept
// elsewhere, refuses it: the counter cannot be turned back.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/payload.h"
#include "audit/writer/tpm.h"
#include "tests/module/fixture.h"
#include "tests/system/log_reader.h"

namespace cm::test {
namespace {

using audit::Bytes;
using audit::Digest;
using audit::FrameType;

// Swtpm: a software TPM over the state that the writer left behind; starting it is a TPM reset.
class Swtpm {
 public:
  explicit Swtpm(const Directory& dir) : socket_(dir / "attack.sock") {
    const std::string state = "dir=" + dir / "tpm", server = "type=unixio,path=" + socket_;
    const std::string control = "type=unixio,path=" + socket_ + ".ctrl";
    pid_ = fork();
    if (pid_ == 0) {
      dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
      execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state.c_str(), "--server", server.c_str(), "--ctrl",
             control.c_str(), "--flags", "startup-clear", nullptr);
      _exit(127);
    }
    for (int i = 0; i < 6000 && access(socket_.c_str(), F_OK) != 0; ++i) usleep(10'000);
  }
  ~Swtpm() {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
  Swtpm(const Swtpm&) = delete;
  Swtpm& operator=(const Swtpm&) = delete;
  std::string tcti() const { return "swtpm:path=" + socket_; }

 private:
  std::string socket_;
  pid_t pid_ = 0;
};

// Forger: writes a log frame by frame and extends each head, as the writer would.
class Forger {
 public:
  Forger(audit::Tpm& tpm, const LoggedFrame& genesis) : tpm_(tpm), lane_(audit::best_sha256_lane()) {
    std::memcpy(position_.log_id.data(), genesis.header.log_id, position_.log_id.size());
    EXPECT_TRUE(audit::decode(genesis.var(), genesis_));
  }
  // frame: appends it. A frame before the forged reset went into a TPM that forgot it.
  void frame(FrameType type, uint64_t time_ns, std::span<const uint8_t> var, std::span<const audit::Record> records,
             bool extend) {
    const auto bytes = audit::build_frame(lane_, position_, type, time_ns, var, records);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    if (extend) {
      ASSERT_FALSE(tpm_.extend(position_.prev_head)) << "extend";
    }
  }
  void boot(uint64_t time_ns) {
    audit::Start start;
    start.writer_version = genesis_.writer_version;
    start.writer_uid = genesis_.writer_uid;
    ASSERT_FALSE(tpm_.identify(start.tpm));
    ASSERT_FALSE(tpm_.read_pcr(start.pcr_value));
    ASSERT_FALSE(tpm_.read_counter(start.nv_value));
    start.boot_id = genesis_.boot_id;
    frame(FrameType::kBoot, time_ns, audit::encode(start), {}, true);
  }
  void anchor(uint64_t time_ns) {
    audit::Anchor a;
    a.anchored_seq = position_.next_frame_seq - 1;
    a.anchored_head = position_.prev_head;
    ASSERT_FALSE(tpm_.increment_counter());
    ASSERT_FALSE(tpm_.read_counter(a.nv_value));
    ASSERT_FALSE(tpm_.read_pcr(a.pcr_value));
    const Digest binding = audit::qualifying_data(
        lane_, {position_.log_id, a.anchored_seq, a.anchored_head, previous_attest_, a.challenge, a.nv_value, time_ns});
    ASSERT_FALSE(tpm_.certify_counter(binding, a.nv_attest, a.nv_signature));
    ASSERT_FALSE(tpm_.quote(binding, a.quote_attest, a.quote_signature));
    a.tsc_after = 1;
    frame(FrameType::kAnchor, time_ns, audit::encode(a), {}, true);
  }
  const audit::Genesis& genesis() const { return genesis_; }
  const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  audit::Tpm& tpm_;
  Lane lane_;
  audit::ChainPosition position_;
  audit::Genesis genesis_;
  Digest previous_attest_{};
  std::vector<uint8_t> bytes_;
};

class Forgery : public ::testing::Test {
 protected:
  void SetUp() override {
    const InitParams init(dir_);
    ASSERT_EQ(cm_init(&init.params), CM_OK);
    cm_session session{};
    ASSERT_EQ(cm_session_open(&session, CM_ROLE_USER), CM_OK);
    uint8_t bytes[16];
    for (int i = 0; i < 3; ++i) {
      ASSERT_EQ(cm_random_bytes(session, bytes, 16), CM_OK);
      ASSERT_EQ(cm_audit_sync(session, 1, 20'000), CM_OK);
    }
    ASSERT_EQ(cm_shutdown(), CM_OK);
    std::string text;
    ASSERT_EQ(verify_log(dir_, &text), 0) << text;
    frames_ = read_log(init.log);
  }

  // forge: the history with one record changed, quoted by the real TPM with the real key after a reset.
  void forge() {
    Swtpm swtpm(dir_);
    audit::Tpm tpm({swtpm.tcti(), true});
    ASSERT_FALSE(tpm.open()) << "the attacker reaches the TPM";
    Forger forger(tpm, frames_[0]);
    tpm.select(forger.genesis().pcr_index, forger.genesis().nv_index);
    EXPECT_EQ(tpm.ak_public(), forger.genesis().ak_public) << "the key is the same: it alone proves nothing";
    ASSERT_FALSE(tpm.find_counter(false));
    bool changed = false, booted = false;
    for (const LoggedFrame& frame : frames_) {
      if (frame.type() == FrameType::kAnchor || frame.type() == FrameType::kEnd) continue;
      auto records = frame.records();
      for (audit::Record& r : records)
        if (!changed && r.event_id == (static_cast<uint32_t>(audit::EventId::kRandomBytes) | audit::kExitBit)) {
          r.detail = 8;  // "it gave out 8 bytes, not 16"
          changed = true;
        }
      forger.frame(frame.type(), frame.header.writer_time_ns, frame.var(), records, booted);
      if (!booted) {
        forger.boot(frame.header.writer_time_ns);
        booted = true;
      }
    }
    EXPECT_TRUE(changed);
    const uint64_t end = frames_.back().header.writer_time_ns;
    forger.frame(FrameType::kEnd, end, audit::encode(audit::End{1}), {}, true);
    forger.anchor(end);
    write_file(segments(dir_ / "log")[0], forger.bytes());
  }

  int verify_with(const std::string& trust, std::string* text) {
    FILE* pipe = popen((std::string(CM_AUDIT_PATH) + " verify " + dir_ / "log" + " " + trust + " 2>&1").c_str(), "r");
    char buffer[4096];
    for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) text->append(buffer, n);
    const int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  Directory dir_;
  std::vector<LoggedFrame> frames_;
};

TEST_F(Forgery, with_the_tpm_in_hand_is_refused_by_the_enrolment_record) {
  forge();
  std::string text;
  EXPECT_EQ(verify_with("--enrolment " + dir_ / "trust/enrolment.json", &text), 1) << text;
  EXPECT_NE(text.find("counter"), std::string::npos) << "the verdict must name the counter:\n" << text;
}

TEST_F(Forgery, nothing_short_of_the_enrolment_record_calls_it_verified) {
  forge();
  std::string text;
  EXPECT_NE(verify_with("", &text), 0) << text;
}

}  // namespace
}  // namespace cm::test
