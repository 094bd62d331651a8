// SPDX-License-Identifier: Apache-2.0
// cm_hash_* with every function: digests against libcrypto, output of any length in pieces, parameters of SP 800-185,
// copies of contexts, and what each refuses.
#include <openssl/evp.h>

#include "crypto/hash/hash_function.h"
#include "tests/module/fixture.h"

namespace cm::test {
namespace {

using Bytes = std::vector<uint8_t>;
using HashFunctions = Operational;

Bytes oracle(const HashFunctionRow& row, const Bytes& in, size_t size) {
  EVP_MD* md = EVP_MD_fetch(nullptr, row.name, nullptr);
  EVP_MD_CTX* ctx = EVP_MD_CTX_new();
  Bytes out(size);
  EXPECT_NE(md, nullptr) << row.name;
  EXPECT_EQ(EVP_DigestInit_ex(ctx, md, nullptr), 1);
  EXPECT_EQ(EVP_DigestUpdate(ctx, in.data(), in.size()), 1);
  if (row.kind == HashKind::kFixed)
    EXPECT_EQ(EVP_DigestFinal_ex(ctx, out.data(), nullptr), 1);
  else
    EXPECT_EQ(EVP_DigestFinalXOF(ctx, out.data(), size), 1);
  EVP_MD_CTX_free(ctx);
  EVP_MD_free(md);
  return out;
}

cm_hash_params params_of(uint32_t algorithm, std::string_view custom = "", size_t block_size = 0) {
  cm_hash_params p{};
  p.struct_size = sizeof p;
  p.algorithm = algorithm;
  p.custom = custom.data();
  p.custom_size = custom.size();
  p.block_size = block_size;
  return p;
}

TEST_F(HashFunctions, fixed_ones_and_shake_agree_with_libcrypto_in_one_call_and_in_pieces) {
  for (const HashFunctionRow& row : kHashFunctions) {
    if (row.kind != HashKind::kFixed && row.kind != HashKind::kShake) continue;
    for (const size_t size : {0, 1, 63, 64, 71, 72, 111, 112, 135, 136, 168, 169, 1000}) {
      const Bytes in = pattern(size);
      const size_t digest_size = hash_function_size(row) != 0 ? hash_function_size(row) : 301;
      const Bytes expected = oracle(row, in, digest_size);
      Bytes digest(digest_size), streamed(digest_size);
      ASSERT_EQ(cm_hash_compute(session_, row.number, digest.data(), digest_size, in.data(), size), CM_OK);
      EXPECT_EQ(digest, expected) << row.name << " " << size;
      cm_hash hash{};
      ASSERT_EQ(cm_hash_init(session_, &hash, row.number), CM_OK);
      for (size_t at = 0; at < size; at += 50)
        ASSERT_EQ(cm_hash_update(session_, hash, in.data() + at, std::min<size_t>(50, size - at)), CM_OK);
      ASSERT_EQ(cm_hash_final(session_, hash, streamed.data(), digest_size), CM_OK);
      EXPECT_EQ(streamed, expected) << row.name << " " << size;
    }
  }
}

TEST_F(HashFunctions, larger_buffers_of_fixed_ones_are_left_alone_behind_the_digest) {
  for (const HashFunctionRow& row : kHashFunctions) {
    const size_t size = hash_function_size(row);
    if (size == 0) continue;
    Bytes buffer(size + 9, 0xa5);
    ASSERT_EQ(cm_hash_compute(session_, row.number, buffer.data(), buffer.size(), nullptr, 0), CM_OK);
    EXPECT_EQ(Bytes(buffer.begin() + static_cast<ptrdiff_t>(size), buffer.end()), Bytes(9, 0xa5)) << row.name;
    EXPECT_EQ(cm_hash_compute(session_, row.number, buffer.data(), size - 1, nullptr, 0), CM_ERR_BUFFER_TOO_SMALL);
  }
}

TEST_F(HashFunctions, output_in_pieces_is_the_output_in_one) {
  for (const uint32_t algorithm :
       {CM_HASH_SHAKE128, CM_HASH_SHAKE256, CM_HASH_CSHAKE128, CM_HASH_CSHAKE256, CM_HASH_TUPLEHASHXOF128,
        CM_HASH_TUPLEHASHXOF256, CM_HASH_PARALLELHASHXOF128, CM_HASH_PARALLELHASHXOF256}) {
    const bool parallel = algorithm >= CM_HASH_PARALLELHASH128;
    const bool shake = algorithm <= CM_HASH_SHAKE256;
    const std::string custom = shake ? "" : "pieces";
    const cm_hash_params params = params_of(algorithm, custom, parallel ? 40 : 0);
    const Bytes in = pattern(333);
    Bytes whole(1000), pieces(1000);
    cm_hash hash{}, other{};
    ASSERT_EQ(cm_hash_init_params(session_, &hash, &params), CM_OK) << algorithm;
    ASSERT_EQ(cm_hash_update(session_, hash, in.data(), in.size()), CM_OK);
    ASSERT_EQ(cm_hash_copy(session_, &other, hash), CM_OK);
    ASSERT_EQ(cm_hash_final(session_, hash, whole.data(), whole.size()), CM_OK);
    ASSERT_EQ(cm_hash_squeeze(session_, other, pieces.data(), 1), CM_OK);
    ASSERT_EQ(cm_hash_squeeze(session_, other, pieces.data() + 1, 400), CM_OK);
    EXPECT_EQ(cm_hash_squeeze(session_, other, nullptr, 0), CM_OK);
    EXPECT_EQ(cm_hash_update(session_, other, in.data(), 1), CM_ERR_SEQUENCE);
    ASSERT_EQ(cm_hash_final(session_, other, pieces.data() + 401, 599), CM_OK);
    EXPECT_EQ(pieces, whole) << algorithm;
  }
}

TEST_F(HashFunctions, a_copy_goes_its_own_way) {
  for (const HashFunctionRow& row : kHashFunctions) {
    const bool parallel = row.kind == HashKind::kParallel || row.kind == HashKind::kParallelXof;
    const cm_hash_params params = params_of(row.number, "", parallel ? 8 : 0);
    const Bytes in = pattern(200);
    const size_t size = hash_function_size(row) != 0 ? hash_function_size(row) : 48;
    cm_hash hash{}, copy{}, again{};
    ASSERT_EQ(cm_hash_init_params(session_, &hash, &params), CM_OK) << row.name;
    ASSERT_EQ(cm_hash_update(session_, hash, in.data(), 90), CM_OK);
    ASSERT_EQ(cm_hash_copy(session_, &copy, hash), CM_OK);
    ASSERT_EQ(cm_hash_copy(session_, &again, hash), CM_OK);
    ASSERT_EQ(cm_hash_update(session_, copy, in.data() + 90, 110), CM_OK);
    ASSERT_EQ(cm_hash_update(session_, again, in.data() + 90, 110), CM_OK);
    Bytes part(size), whole(size), same(size);
    ASSERT_EQ(cm_hash_final(session_, hash, part.data(), size), CM_OK);
    ASSERT_EQ(cm_hash_final(session_, copy, whole.data(), size), CM_OK);
    ASSERT_EQ(cm_hash_final(session_, again, same.data(), size), CM_OK);
    EXPECT_EQ(whole, same) << row.name;
    EXPECT_NE(whole, part) << row.name;
    EXPECT_EQ(cm_hash_copy(session_, &copy, hash), CM_ERR_HANDLE);
    EXPECT_EQ(copy.v, 0U);
  }
}

struct Sample {
  uint32_t algorithm;
  const char* name;
  const char* custom;
  size_t block_size;
  std::vector<Bytes> pieces;
  Bytes expected;
};

// The first samples that NIST gives for each function beside SP 800-185.
const Sample kSamples[] = {
    {CM_HASH_CSHAKE128, "", "Email Signature", 0, {{0, 1, 2, 3}}, {0xc1, 0xc3, 0x69, 0x25, 0xb6, 0x40, 0x9a, 0x04,
                                                                   0xf1, 0xb5, 0x04, 0xfc, 0xbc, 0xa9, 0xd8, 0x2b,
                                                                   0x40, 0x17, 0x27, 0x7c, 0xb5, 0xed, 0x2b, 0x20,
                                                                   0x65, 0xfc, 0x1d, 0x38, 0x14, 0xd5, 0xaa, 0xf5}},
    {CM_HASH_TUPLEHASH128,
     "",
     "",
     0,
     {{0, 1, 2}, {0x10, 0x11, 0x12, 0x13, 0x14, 0x15}},
     {0xc5, 0xd8, 0x78, 0x6c, 0x1a, 0xfb, 0x9b, 0x82, 0x11, 0x1a, 0xb3, 0x4b, 0x65, 0xb2, 0xc0, 0x04,
      0x8f, 0xa6, 0x4e, 0x6d, 0x48, 0xe2, 0x63, 0x26, 0x4c, 0xe1, 0x70, 0x7d, 0x3f, 0xfc, 0x8e, 0xd1}},
    {CM_HASH_PARALLELHASH128,
     "",
     "",
     8,
     {{0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x10, 0x11, 0x12, 0x13,
       0x14, 0x15, 0x16, 0x17, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27}},
     {0xba, 0x8d, 0xc1, 0xd1, 0xd9, 0x79, 0x33, 0x1d, 0x3f, 0x81, 0x36, 0x03, 0xc6, 0x7f, 0x72, 0x60,
      0x9a, 0xb5, 0xe4, 0x4b, 0x94, 0xa0, 0xb8, 0xf9, 0xaf, 0x46, 0x51, 0x44, 0x54, 0xa2, 0xb4, 0xf5}},
};

TEST_F(HashFunctions, samples_of_sp_800_185) {
  for (const Sample& sample : kSamples) {
    cm_hash_params params = params_of(sample.algorithm, sample.custom, sample.block_size);
    params.name = sample.name;
    params.name_size = std::strlen(sample.name);
    cm_hash hash{};
    ASSERT_EQ(cm_hash_init_params(session_, &hash, &params), CM_OK);
    for (const Bytes& piece : sample.pieces)
      ASSERT_EQ(cm_hash_update(session_, hash, piece.data(), piece.size()), CM_OK);
    Bytes out(sample.expected.size());
    ASSERT_EQ(cm_hash_final(session_, hash, out.data(), out.size()), CM_OK);
    EXPECT_EQ(out, sample.expected) << sample.algorithm;
  }
}

TEST_F(HashFunctions, batches_are_one_after_the_other) {
  for (const size_t count : {0, 1, 2, 9, 64, 65, 200}) {
    std::vector<Bytes> in, out, expected;
    std::vector<cm_hash_job> jobs;
    for (size_t i = 0; i < count; ++i) {
      const uint32_t algorithm = static_cast<uint32_t>(1 + i * 5 % CM_HASH_SHAKE256);
      const HashFunctionRow& row = *hash_function(algorithm);
      in.push_back(pattern(i * 67 % 3000, static_cast<uint8_t>(i)));
      out.emplace_back(hash_function_size(row) != 0 ? hash_function_size(row) : 70);
      expected.push_back(oracle(row, in.back(), out.back().size()));
    }
    for (size_t i = 0; i < count; ++i)
      jobs.push_back({static_cast<uint32_t>(1 + i * 5 % CM_HASH_SHAKE256), -1, out[i].data(), out[i].size(),
                      in[i].data(), in[i].size()});
    ASSERT_EQ(cm_hash_batch(session_, jobs.data(), count), CM_OK) << count;
    EXPECT_EQ(out, expected) << count;
    for (const cm_hash_job& job : jobs) EXPECT_EQ(job.result, CM_OK);
  }
}

TEST_F(HashFunctions, a_bad_job_of_a_batch_harms_no_other) {
  const Bytes in = pattern(500);
  const Bytes right = oracle(*hash_function(CM_HASH_SHA384), in, 48);
  std::vector<Bytes> out(6, Bytes(48, 0xee));
  std::vector<cm_hash_job> jobs(6, cm_hash_job{CM_HASH_SHA384, -1, nullptr, 48, in.data(), in.size()});
  for (size_t i = 0; i < jobs.size(); ++i) jobs[i].digest = out[i].data();
  jobs[1].algorithm = CM_HASH_CSHAKE128;
  jobs[2].digest_capacity = 47;
  jobs[3].in = nullptr;
  jobs[4].digest = &jobs[5];
  EXPECT_EQ(cm_hash_batch(session_, jobs.data(), jobs.size()), CM_ERR_JOBS);
  const cm_rc expected[] = {CM_OK, CM_ERR_ARGUMENT, CM_ERR_BUFFER_TOO_SMALL, CM_ERR_NULL, CM_ERR_OVERLAP, CM_OK};
  for (size_t i = 0; i < jobs.size(); ++i) {
    EXPECT_EQ(jobs[i].result, expected[i]) << i;
    EXPECT_EQ(out[i], expected[i] == CM_OK ? right : Bytes(48, 0xee)) << i;
  }
  EXPECT_EQ(cm_hash_batch(session_, nullptr, 1), CM_ERR_NULL);
  EXPECT_EQ(cm_hash_batch(session_, jobs.data(), CM_BATCH_MAX + 1), CM_ERR_LENGTH);
}

TEST_F(HashFunctions, refuse_what_they_cannot_do) {
  cm_hash hash{};
  uint8_t out[64];
  EXPECT_EQ(cm_hash_init(session_, &hash, 0), CM_ERR_ARGUMENT);
  EXPECT_EQ(cm_hash_init(session_, &hash, std::size(kHashFunctions) + 1), CM_ERR_ARGUMENT);
  EXPECT_EQ(cm_hash_init(session_, &hash, CM_HASH_PARALLELHASH128), CM_ERR_ARGUMENT) << "no block size";
  EXPECT_EQ(cm_hash_compute(session_, CM_HASH_CSHAKE128, out, 64, nullptr, 0), CM_ERR_ARGUMENT);
  EXPECT_EQ(cm_hash_compute(session_, CM_HASH_SHAKE128, out, 0, nullptr, 0), CM_ERR_LENGTH);

  ASSERT_EQ(cm_hash_init(session_, &hash, CM_HASH_SHA512), CM_OK);
  std::fill(std::begin(out), std::end(out), uint8_t{1});
  EXPECT_EQ(cm_hash_squeeze(session_, hash, out, 64), CM_ERR_USAGE);
  EXPECT_EQ(Bytes(out, out + 64), Bytes(64, 0)) << "zeroed";
  EXPECT_EQ(cm_hash_final(session_, hash, out, 63), CM_ERR_BUFFER_TOO_SMALL);
  EXPECT_EQ(cm_hash_free(session_, hash), CM_OK);

  ASSERT_EQ(cm_hash_init(session_, &hash, CM_HASH_TUPLEHASH256), CM_OK);
  EXPECT_EQ(cm_hash_squeeze(session_, hash, out, 64), CM_ERR_USAGE) << "its length is hashed";
  EXPECT_EQ(cm_hash_final(session_, hash, out, 0), CM_ERR_LENGTH);
  EXPECT_EQ(cm_hash_final(session_, hash, out, 64), CM_OK);
  EXPECT_EQ(cm_hash_squeeze(session_, hash, out, 64), CM_ERR_HANDLE);
}

TEST_F(HashFunctions, refuse_outputs_that_no_memory_has) {
  Bytes out(64, 0xee);
  const Bytes untouched = out;
  for (const HashFunctionRow& row : kHashFunctions) {
    if (hash_function_size(row) != 0) continue;
    cm_hash hash{};
    const bool parallel = row.kind == HashKind::kParallel || row.kind == HashKind::kParallelXof;
    const cm_hash_params params = params_of(row.number, "", parallel ? 40 : 0);
    ASSERT_EQ(cm_hash_init_params(session_, &hash, &params), CM_OK) << row.name;
    for (const size_t capacity : {size_t{1} << 61, SIZE_MAX / 2, SIZE_MAX})
      EXPECT_EQ(cm_hash_final(session_, hash, out.data(), capacity), CM_ERR_LENGTH) << row.name;
    EXPECT_EQ(cm_hash_free(session_, hash), CM_OK);
  }
  for (const uint32_t shake : {CM_HASH_SHAKE128, CM_HASH_SHAKE256})
    for (const size_t capacity : {size_t{1} << 61, SIZE_MAX})
      EXPECT_EQ(cm_hash_compute(session_, shake, out.data(), capacity, nullptr, 0), CM_ERR_LENGTH);
  EXPECT_EQ(out, untouched);
}

TEST_F(HashFunctions, a_stale_handle_costs_no_more_than_a_digest) {
  cm_hash hash{};
  ASSERT_EQ(cm_hash_init(session_, &hash, CM_HASH_SHA256), CM_OK);
  ASSERT_EQ(cm_hash_free(session_, hash), CM_OK);
  Bytes out(100, 0xee), expected(100, 0xee);
  std::fill_n(expected.begin(), 64, uint8_t{0});
  EXPECT_EQ(cm_hash_final(session_, hash, out.data(), out.size()), CM_ERR_HANDLE);
  EXPECT_EQ(out, expected);
}

TEST_F(HashFunctions, refuse_parameters_that_do_not_fit) {
  cm_hash hash{};
  const auto init = [&](cm_hash_params p) { return cm_hash_init_params(session_, &hash, &p); };
  EXPECT_EQ(init(params_of(CM_HASH_SHA256, "custom")), CM_ERR_ARGUMENT);
  EXPECT_EQ(init(params_of(CM_HASH_SHAKE128, "custom")), CM_ERR_ARGUMENT);
  EXPECT_EQ(init(params_of(CM_HASH_CSHAKE128, "", 8)), CM_ERR_ARGUMENT);
  cm_hash_params p = params_of(CM_HASH_TUPLEHASH128);
  p.name = "N";
  p.name_size = 1;
  EXPECT_EQ(init(p), CM_ERR_ARGUMENT);
  p = params_of(CM_HASH_CSHAKE128);
  p.custom_size = 1;
  p.custom = nullptr;
  EXPECT_EQ(init(p), CM_ERR_NULL);
  const std::string long_custom(65537, 'x');
  EXPECT_EQ(init(params_of(CM_HASH_CSHAKE128, long_custom)), CM_ERR_LENGTH);
  p = params_of(CM_HASH_CSHAKE128);
  p.struct_size = 8;
  EXPECT_EQ(init(p), CM_ERR_ARGUMENT);
  EXPECT_EQ(cm_hash_init_params(session_, &hash, nullptr), CM_ERR_NULL);
  EXPECT_EQ(cm_hash_init_params(session_, nullptr, &p), CM_ERR_NULL);
  p = params_of(CM_HASH_CSHAKE128);
  p.custom = &hash;
  p.custom_size = sizeof hash;
  EXPECT_EQ(cm_hash_init_params(session_, &hash, &p), CM_ERR_OVERLAP);
  EXPECT_EQ(hash.v, 0U);
}

}  // namespace
}  // namespace cm::test
