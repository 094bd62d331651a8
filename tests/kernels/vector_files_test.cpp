// SPDX-License-Identifier: Apache-2.0
// vector_files_test.cpp: no file of published vectors for AES, ChaCha20-Poly1305, SHA-1 and SHA-2 is forgotten: each
// file that is there is read by a test, which counts its cases, or is left out for a reason that stands here, with the
// number of its cases. (None of these files is a Monte Carlo test of AES.)
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <regex>
#include <set>

#include "tests/support/rsp_file.h"

namespace cm::test {
namespace {

constexpr size_t kAny = SIZE_MAX;

// Row: the files of a directory whose names match. left_out: why no test reads them, or null. cases: of all of them
// together; 0 where they have none of these algorithms.
struct Row {
  const char* directory;
  const char* pattern;
  size_t files;
  const char* left_out = nullptr;
  size_t cases = 0;
};

#define CM_CAVP "(GFSbox|KeySbox|MMT|VarKey|VarTxt)(128|192|256)\\.rsp"
const std::vector<Row> kDebian = {
    {"ciphers/AES", "CBC|CCM|CFB|CTR|ECB|GCM|OFB|XTS", 8},
    {"ciphers/AES", "OCB3|SIV", 2, "other algorithms; SIV is that of RFC 5297"},
    {"ciphers/AES/CBC", "CBC" CM_CAVP, 15},
    {"ciphers/AES/CCM", "(DVPT|VADT|VNT|VPT|VTT)(128|192|256)\\.rsp", 15},
    {"ciphers/AES/CCM", "DVPT(128|192|256)\\.txt", 3},
    {"ciphers/AES/CCM", "Readme\\.txt", 1, "no vectors"},
    {"ciphers/AES/CFB", "CFB(128|8)" CM_CAVP, 30},
    {"ciphers/AES/CFB", "CFB1" CM_CAVP, 15, "segments of one bit: not offered", 2138},
    {"ciphers/AES/CTR", "aes-(128|192|256)-ctr\\.txt", 3},
    {"ciphers/AES/ECB", "ECB" CM_CAVP, 15},
    {"ciphers/AES/GCM", "gcm(Decrypt|EncryptExtIV)(128|192|256)\\.rsp", 6},
    {"ciphers/AES/OFB", "OFB" CM_CAVP, 15},
    {"ciphers/AES/XTS", "tweak-(128hexstr|dataunitseqno)", 2},
    {"ciphers/AES/XTS/tweak-128hexstr", "XTSGenAES(128|256)\\.rsp", 2},
    {"ciphers/AES/XTS/tweak-dataunitseqno", "XTSGenAES(128|256)\\.rsp", 2},
    {"CMAC", "nist-800-38b-aes(128|192|256)\\.txt", 3},
    {"CMAC", "nist-800-38b-3des\\.txt", 1, "3DES: no cipher of ours", 8},
    {"keywrap", "kwtestvectors|kwp_botan\\.txt", 2},
    {"keywrap/kwtestvectors", "KWP?_A[DE]_(128|192|256)\\.txt", 12},
    {"keywrap/kwtestvectors", "KWP?_A[DE]_(128|192|256)_inv\\.txt", 12, "wrapped with the inverse cipher: not offered",
     6000},
    {"keywrap/kwtestvectors", "TKW_A[DE](_inv)?\\.txt", 4, "3DES: no cipher of ours", 2000},
    {"keywrap/kwtestvectors", "Readme\\.txt", 1, "no vectors"},
    {"ciphers/ChaCha20", "rfc7539\\.txt", 1},
    {"ciphers/ChaCha20Poly1305", "(boringssl|openssl)\\.txt", 2},
    {"poly1305", "rfc7539\\.txt", 1},
    {"hashes/SHA1", "SHA1(ShortMsg|LongMsg|Monte)\\.rsp", 3},
    {"hashes/SHA1", "Readme\\.txt|SHA1Monte\\.txt", 2, "what SHA1Monte.rsp has, with the values between"},
    {"hashes/SHA2", "SHA(224|256|384|512|512_224|512_256)(ShortMsg|LongMsg|Monte)\\.rsp", 18},
    {"hashes/SHA2", "Readme\\.txt|SHA\\w+Monte\\.txt", 7, "what the Monte.rsp have, with the values between"},
};
#undef CM_CAVP

size_t cases_of(const std::filesystem::path& path) {
  size_t cases = 0;
  for (const RspRecord& r : read_rsp_file(path.string())) cases += r.has("COUNT") || r.has("Count") ? 1 : 0;
  return cases;
}

// expect_rows: every file of the directories of rows whose name matches concerned belongs to one row, and each row has
// all its files.
void expect_rows(const std::filesystem::path& root, const std::vector<Row>& rows, const std::regex& concerned) {
  std::vector<size_t> files(rows.size()), cases(rows.size());
  std::set<std::string> directories;
  for (const Row& row : rows) directories.insert(row.directory);
  for (const std::string& directory : directories)
    for (const auto& entry : std::filesystem::directory_iterator(root / directory)) {
      const std::string name = entry.path().filename().string();
      if (!std::regex_match(name, concerned)) continue;
      size_t matches = 0;
      for (size_t i = 0; i < rows.size(); ++i) {
        if (rows[i].directory != directory || !std::regex_match(name, std::regex(rows[i].pattern))) continue;
        ++matches;
        ++files[i];
        if (rows[i].cases != 0) cases[i] += cases_of(entry.path());
      }
      EXPECT_EQ(matches, 1u) << directory << "/" << name << " is read by no test, and no reason is given";
    }
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].left_out != nullptr)
      std::printf("%s/%s: %zu files, %zu cases left out: %s\n", rows[i].directory, rows[i].pattern, files[i], cases[i],
                  rows[i].left_out);
    if (rows[i].files != kAny) {
      EXPECT_EQ(files[i], rows[i].files) << rows[i].directory << "/" << rows[i].pattern;
    }
    EXPECT_EQ(cases[i], rows[i].cases) << rows[i].directory << "/" << rows[i].pattern;
  }
}

TEST(VectorFiles, of_debian) { expect_rows(CM_DEBIAN_VECTORS_DIR, kDebian, std::regex(".*")); }

#if defined(CRYPTOMOD_EXTRA_VECTORS)
#if defined(CM_VECTORS_GCM_SIV)
constexpr size_t kGcmSivFiles = 1;
#else
constexpr size_t kGcmSivFiles = 0;
#endif

TEST(VectorFiles, of_wycheproof) {
  constexpr char kDirectory[] = "wycheproof/testvectors_v1";
  const std::vector<Row> rows = {
      {kDirectory, "aes_(cbc_pkcs5|ccm|cmac|gcm|gmac|kwp|wrap|xts)_test\\.json", 8},
      {kDirectory, "aes_gcm_siv_test\\.json", kGcmSivFiles},
      {kDirectory, "chacha20_poly1305_test\\.json", 1},
      {kDirectory, "(aes_(eax|ff1_.*|siv_cmac)|aead_aes_siv_cmac|xchacha20_poly1305)_test\\.json", kAny,
       "other algorithms"},
  };
  expect_rows(CRYPTOMOD_EXTRA_VECTORS, rows, std::regex("(aes_|aead_aes|x?chacha).*"));
}
#endif

}  // namespace
}  // namespace cm::test
