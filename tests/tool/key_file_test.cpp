// SPDX-License-Identifier: Apache-2.0
// key_file_test.cpp: key files are never bare keys, never readable by others, never replaced, and nothing in them is
// believed unseen.
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "tests/tool/opener.h"
#include "tests/tool/runner.h"

namespace cm::tool_tests {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

const std::string kPassphrase = "correct horse battery staple";

Bytes bytes_of(const std::string& text) { return Bytes(text.begin(), text.end()); }
std::string text_of(const Bytes& bytes) { return std::string(bytes.begin(), bytes.end()); }

class KeyFileTest : public ToolTest {
 protected:
  void SetUp() override {
    ToolTest::SetUp();
    write_file(dir / "phrase", bytes_of(kPassphrase + "\n"));
    write_file(dir / "in", pattern(1000));
  }
  Outcome keygen(const std::string& phrase_file, const std::string& name = "key") const {
    return tool({"keygen", "--passphrase-file", path(phrase_file), path(name)});
  }
  Outcome seal(const std::string& key, const std::string& phrase_file = "phrase") const {
    return tool(
        {"seal", "--force", "--passphrase-file", path(phrase_file), "--key", path(key), path("in"), path("out")});
  }
  Json key_json(const std::string& name) const { return Json::parse(text_of(read_file(dir / name))); }
  void expect_refused(const std::string& text, const std::string& words) const {
    write_file(dir / "changed", bytes_of(text));
    const Outcome done = seal("changed");
    EXPECT_EQ(done.exit_code, 2) << text;
    EXPECT_TRUE(contains(done.err, words)) << "wanted: " << words << "\ngot: " << done.err;
  }
};

TEST_F(KeyFileTest, a_passphrase_protects_the_key) {
  ASSERT_EQ(keygen("phrase").exit_code, 0);
  const Json json = key_json("key");
  EXPECT_EQ(json["protection"], "passphrase");
  EXPECT_EQ(json["iterations"], 600000);
  EXPECT_FALSE(json.contains("secret"));
  ASSERT_EQ(seal("key").exit_code, 0);

  const auto key = key_of(json.dump(), kPassphrase);
  ASSERT_TRUE(key);
  EXPECT_EQ(content_of(read_file(dir / "out"), key.value_or(Bytes{})), pattern(1000));
  EXPECT_FALSE(key_of(json.dump(), kPassphrase + "r"));

  write_file(dir / "wrong", bytes_of("correct horse battery stapler\n"));
  const Outcome refused = seal("key", "wrong");
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_TRUE(contains(refused.err, "wrong passphrase")) << refused.err;
}

TEST_F(KeyFileTest, no_protection_is_said_in_clear_words) {
  const Outcome made = tool({"keygen", "--no-passphrase", path("key")});
  ASSERT_EQ(made.exit_code, 0);
  EXPECT_TRUE(contains(made.err, "NOT protected")) << made.err;
  const Json json = key_json("key");
  EXPECT_EQ(json["protection"], "none");
  EXPECT_TRUE(contains(json["warning"].get<std::string>(), "NOT PROTECTED"));
  const auto key = key_of(json.dump());
  ASSERT_TRUE(key);
  EXPECT_FALSE(contains(json.dump(),
                        [&] {
                          std::string hex;
                          for (const uint8_t b : key.value_or(Bytes{}))
                            hex += "0123456789abcdef"[b >> 4], hex += "0123456789abcdef"[b & 15];
                          return hex;
                        }()))
      << "the bare key is in the file";
}

TEST_F(KeyFileTest, weak_passphrases_make_no_key) {
  write_file(dir / "short", bytes_of("thirteen char\n"));
  write_file(dir / "accents",
             bytes_of("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\n"));  // 14 bytes, 7 characters
  write_file(dir / "empty", {});
  write_file(dir / "zero", bytes_of(std::string("long enough\0 but not text", 25)));
  write_file(dir / "long", Bytes(5000, 'x'));
  const std::pair<const char*, const char*> cases[] = {{"short", "at least 14 characters"},
                                                       {"accents", "at least 14 characters"},
                                                       {"empty", "is empty"},
                                                       {"zero", "zero byte"},
                                                       {"long", "longer than 1024 bytes"}};
  for (const auto& [file, words] : cases) {
    const Outcome done = keygen(file);
    EXPECT_EQ(done.exit_code, 1) << file;
    EXPECT_TRUE(contains(done.err, words)) << done.err;
    EXPECT_FALSE(fs::exists(dir / "key"));
  }
}

TEST_F(KeyFileTest, the_first_line_is_the_passphrase) {
  write_file(dir / "lines", bytes_of(kPassphrase + "\r\nmore\n"));
  write_file(dir / "no-end", bytes_of(kPassphrase));
  ASSERT_EQ(keygen("lines").exit_code, 0);
  EXPECT_EQ(seal("key", "phrase").exit_code, 0);
  EXPECT_EQ(seal("key", "no-end").exit_code, 0);
}

TEST_F(KeyFileTest, files_that_others_can_use_are_refused) {
  ASSERT_EQ(keygen("phrase").exit_code, 0);
  for (const unsigned mode : {0640u, 0604u, 0620u, 0601u}) {
    ASSERT_EQ(chmod(path("key").c_str(), mode), 0);
    const Outcome done = seal("key");
    EXPECT_EQ(done.exit_code, 1);
    EXPECT_TRUE(contains(done.err, "chmod 600 '" + path("key") + "'")) << done.err;
  }
  ASSERT_EQ(chmod(path("key").c_str(), 0400), 0);
  EXPECT_EQ(seal("key").exit_code, 0);
  ASSERT_EQ(chmod(path("phrase").c_str(), 0644), 0);
  const Outcome done = seal("key");
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_TRUE(contains(done.err, "chmod 600 '" + path("phrase") + "'")) << done.err;
}

TEST_F(KeyFileTest, a_key_file_is_never_replaced) {
  ASSERT_EQ(keygen("phrase").exit_code, 0);
  const Bytes before = read_file(dir / "key");
  const Outcome again = keygen("phrase");
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_TRUE(contains(again.err, "never replaced")) << again.err;
  EXPECT_EQ(read_file(dir / "key"), before);
  EXPECT_EQ(tool({"keygen", "--no-passphrase", "--passphrase-file", path("phrase"), path("key2")}).exit_code, 64);
}

TEST_F(KeyFileTest, damaged_key_files_are_refused) {
  ASSERT_EQ(tool({"keygen", "--no-passphrase", path("key")}).exit_code, 0);
  const Json good = key_json("key");
  const auto with = [&](const char* field, const Json& value) {
    Json json = good;
    json[field] = value;
    return json.dump();
  };
  const auto without = [&](const char* field) {
    Json json = good;
    json.erase(field);
    return json.dump();
  };
  expect_refused("", "not JSON");
  expect_refused("[]", "not a JSON object");
  expect_refused(good.dump() + "x", "not JSON");
  expect_refused(std::string(20'000, ' '), "too large");
  for (const char* field : {"format", "version", "algorithm", "protection", "warning", "kdf", "salt", "iterations",
                            "secret", "wrap", "wrapped_key"})
    expect_refused(without(field), std::string("\"") + field + "\" is missing");
  expect_refused(with("version", 2), "newer version");
  expect_refused(with("version", "1"), "\"version\" is not a number");
  expect_refused(with("algorithm", "AES-128-GCM"), "\"algorithm\" is not");
  expect_refused(with("protection", "some"), "\"protection\" is neither");
  expect_refused(with("iterations", 999), "\"iterations\" is not a number from");
  expect_refused(with("iterations", 4'000'000'000), "\"iterations\" is not a number from");
  expect_refused(with("iterations", -1), "\"iterations\" is not a number from");
  expect_refused(with("salt", "00"), "\"salt\" is not 32 bytes");
  expect_refused(with("extra", 1), "\"extra\" is unknown");
  expect_refused(with("wrapped_key", std::string(80, '0')), "is damaged");
  expect_refused(with("secret", std::string(64, 'A')), "is damaged");
  expect_refused(with("iterations", 1001), "is damaged");
}

}  // namespace
}  // namespace cm::tool_tests
