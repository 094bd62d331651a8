// SPDX-License-Identifier: Apache-2.0
// batch_fuzz: each job of a batch gives what the single call gives, to the byte, the code and the memory around it, on
// a lane that the input chooses: jobs with keys of their own or of others, of every algorithm, of sizes that fit and
// that do not, with handles that are none, in place and overlapping, with tags that are wrong.
//
// Every job exists twice, in memory of its own and with a key object of its own from the same raw key, so that also
// sequence numbers agree. What depends on random IVs is compared by opening it.
//
// Input: choices as service.h reads them: lane, keys, service, jobs.
#include <cstring>
#include <iterator>
#include <memory>
#include <type_traits>

#include "crypto/module/key_algorithms.h"
#include "fuzz/service.h"

namespace {

using namespace cm::fuzz;  // NOLINT(google-build-using-namespace): the subject of this file

constexpr size_t kJobsMax = 150;  // more than two lots of the module
constexpr cm_rc kNoResult = 12345;

// Twins: a key for the batch and one for the single calls.
struct Twins {
  uint32_t algorithm, regime;
  Key batch, single;
};

// random_iv: whether what is sealed with an IV of the module's is different each time.
bool random_iv(const Twins& t) { return t.regime == CM_IV_RANDOM; }

cm_key_params twin_params(Input& input) {
  cm_key_params params = key_params(1 + input.byte() % std::size(cm::kKeyAlgorithms));
  const uint32_t usage = cm::key_algorithm(params.algorithm)->usage;
  if (input.rare()) params.usage = usage & ~(usage - 1);  // one direction only
  const bool gcm_or_ccm = params.algorithm == CM_ALG_AES_GCM || params.algorithm == CM_ALG_AES_CCM;
  if (gcm_or_ccm && input.rare()) params.iv_regime = CM_IV_TLS12;
  if ((gcm_or_ccm || params.algorithm == CM_ALG_CHACHA20_POLY1305) && input.rare()) params.iv_regime = CM_IV_TLS13;
  return params;
}

std::vector<Twins> any_twins(Input& input) {
  std::vector<Twins> all;
  for (size_t left = 1 + input.byte() % 8; left != 0; --left) {
    const cm_key_params params = twin_params(input);
    const Bytes raw = any_raw_key(input, params.algorithm);
    all.push_back({params.algorithm, params.iv_regime, Key(params, raw), Key(params, raw)});
  }
  return all;
}

// Job: everything that one job of any service is made of.
struct Job {
  const Twins* twins;  // null for a handle that is none
  cm_key foreign;      // then
  uint32_t how;        // direction or operation; what it is as flags, flags() says
  size_t capacity;
  Bytes iv, aad, tag, text;
  uint8_t* tag_at;  // tag, or somewhere in the output
  std::unique_ptr<Texts> texts;
  const uint8_t* in;
  size_t in_size;
  cm_rc result = kNoResult;
};

bool needs_blocks(uint32_t algorithm) { return algorithm == CM_ALG_AES_ECB || algorithm == CM_ALG_AES_CBC; }

size_t any_size(Input& input, uint32_t algorithm) {
  const size_t size = input.size(1000);
  if (input.rare()) return size;
  if (needs_blocks(algorithm)) return size / 16 * 16;
  if (algorithm == CM_ALG_AES_GMAC) return 0;
  return algorithm == CM_ALG_AES_XTS ? size + 16 : size;
}

// usual_iv: what an algorithm takes.
size_t usual_iv(uint32_t algorithm) {
  const uint32_t usage = cm::key_algorithm(algorithm)->usage;
  if (usage == cm::kSealOpen) return 12;
  return algorithm == CM_ALG_AES_ECB ? 0 : 16;
}

void place(Job& job, Input& input, const Bytes& in, size_t capacity) {
  job.capacity = capacity;
  job.texts = std::make_unique<Texts>(input, in, capacity);
  job.in = job.texts->in();
  job.in_size = in.size();
  job.tag_at = job.tag.data();
}

// read_job: the same input gives the same job again, in other memory.
Job read_job(Input& input, const std::vector<Twins>& keys) {
  Job job{};
  const Twins& twins = keys[input.byte() % keys.size()];
  job.twins = input.rare() ? nullptr : &twins;
  job.foreign = cm_key{input.rare() ? session().v : uint64_t{input.byte()} << 8 * (input.byte() % 8)};
  job.how = input.rare() ? input.byte() : 1;
  if (input.byte() % 4 == 3) job.how ^= 3;  // the other direction, or 2 as a flag that does not exist
  job.iv = input.bytes(input.rare() ? input.byte() % 70 : usual_iv(twins.algorithm));
  job.aad = input.noise(input.size(300));
  job.tag = input.noise(input.rare() ? input.byte() % 40 : 16);
  job.text = input.noise(any_size(input, twins.algorithm));
  place(job, input, job.text, input.rare() ? input.size(job.text.size() + 20) : job.text.size());
  if (input.rare() && job.capacity >= job.tag.size()) job.tag_at = job.texts->out() + (job.capacity - job.tag.size());
  return job;
}

cm_key key_of(const Job& job, bool batch) {
  if (job.twins == nullptr) return job.foreign;
  return batch ? job.twins->batch.get() : job.twins->single.get();
}

// ---- the services

struct Seal {
  using Row = cm_aead_job;
  static constexpr auto kBatch = cm_aead_seal_batch;
  static Row row(Job& j) {
    return {key_of(j, true), j.texts->out(), j.capacity, j.iv.data(), j.iv.size(), j.tag_at, j.tag.size(),
            j.aad.data(),    j.aad.size(),   j.in,       j.in_size,   flags(j),    kNoResult};
  }
  static uint32_t flags(const Job& j) { return j.how == 1 ? CM_JOB_CALLER_IV : j.how == 2 ? 0 : j.how; }
  static cm_rc single(Job& j) {
    const uint32_t f = flags(j);
    if ((f & ~uint32_t{CM_JOB_CALLER_IV}) != 0) return CM_ERR_ARGUMENT;
    const cm_key key = key_of(j, false);
    return f != 0 ? cm_aead_seal_caller_iv(session(), key, j.texts->out(), j.capacity, j.iv.data(), j.iv.size(),
                                           j.tag_at, j.tag.size(), j.aad.data(), j.aad.size(), j.in, j.in_size)
                  : cm_aead_seal(session(), key, j.texts->out(), j.capacity, j.iv.data(), j.iv.size(), j.tag_at,
                                 j.tag.size(), j.aad.data(), j.aad.size(), j.in, j.in_size);
  }
  static bool comparable(const Job& j) {
    return !CM_SUCCEEDED(j.result) || flags(j) == CM_JOB_CALLER_IV || !random_iv(*j.twins);
  }
};

struct Open {
  using Row = cm_aead_job;
  static constexpr auto kBatch = cm_aead_open_batch;
  static uint32_t flags(const Job& j) { return j.how == 1 || j.how == 2 ? 0 : j.how; }
  static Row row(Job& j) {
    Row r = Seal::row(j);
    r.flags = flags(j);
    return r;
  }
  static cm_rc single(Job& j) {
    if (flags(j) != 0) return CM_ERR_ARGUMENT;
    return cm_aead_open(session(), key_of(j, false), j.texts->out(), j.capacity, j.iv.data(), j.iv.size(), j.tag_at,
                        j.tag.size(), j.aad.data(), j.aad.size(), j.in, j.in_size);
  }
  static bool comparable(const Job& /*job*/) { return true; }
};

struct Crypt {
  using Row = cm_cipher_job;
  static constexpr auto kBatch = cm_cipher_batch;
  static Row row(Job& j) {
    return {key_of(j, true), j.iv.data(), j.iv.size(), j.texts->out(), j.capacity, j.in, j.in_size, j.how, kNoResult};
  }
  static cm_rc single(Job& j) {
    if (j.how != CM_ENCRYPT && j.how != CM_DECRYPT) return CM_ERR_ARGUMENT;
    const auto crypt = j.how == CM_ENCRYPT ? cm_cipher_encrypt : cm_cipher_decrypt;
    return crypt(session(), key_of(j, false), j.iv.data(), j.iv.size(), j.texts->out(), j.capacity, j.in, j.in_size);
  }
  static bool comparable(const Job& /*job*/) { return true; }
};

// Mac: the MAC is the tag.
struct Mac {
  using Row = cm_mac_job;
  static constexpr auto kBatch = cm_mac_batch;
  static Row row(Job& j) { return {key_of(j, true), j.tag_at, j.tag.size(), j.in, j.in_size, j.how, kNoResult}; }
  static cm_rc single(Job& j) {
    if (j.how != CM_MAC_COMPUTE && j.how != CM_MAC_VERIFY) return CM_ERR_ARGUMENT;
    if (j.how == CM_MAC_COMPUTE)
      return cm_mac_compute(session(), key_of(j, false), j.tag_at, j.tag.size(), j.in, j.in_size);
    return cm_mac_verify(session(), key_of(j, false), j.tag_at, j.tag.size(), j.in, j.in_size);
  }
  static bool comparable(const Job& /*job*/) { return true; }
};

// ---- the comparison

using Jobs = std::vector<Job>;

bool same_memory(const Job& a, const Job& b) {
  return a.iv == b.iv && a.aad == b.aad && a.tag == b.tag && a.texts->same_as(*b.texts);
}

template <class Service>
void compare(const Jobs& batch, const Jobs& single) {
  for (size_t i = 0; i < batch.size(); ++i) {
    require(batch[i].result == single[i].result, "a job has another result than the single call");
    if (Service::comparable(batch[i])) require(same_memory(batch[i], single[i]), "a job has written something else");
    if (batch[i].result == CM_ERR_AUTH && std::is_same_v<Service, Open>)
      require(batch[i].texts->output_is_zero(batch[i].in_size), "what was refused is not zero");
  }
}

// right_total: the result of the batch.
cm_rc right_total(const Jobs& single) {
  cm_rc reason = CM_OK;
  for (const Job& job : single) {
    if (!CM_SUCCEEDED(job.result)) return CM_ERR_JOBS;
    if (reason == CM_OK) reason = job.result;
  }
  return reason;
}

template <class Service>
void work(Jobs& batch, Jobs& single) {
  std::vector<typename Service::Row> rows;
  for (Job& job : batch) rows.push_back(Service::row(job));
  const auto given = rows;
  const cm_rc rc = Service::kBatch(session(), rows.data(), rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    batch[i].result = rows[i].result;
    rows[i].result = kNoResult;
    require(std::memcmp(&rows[i], &given[i], sizeof rows[i]) == 0, "more than the result of a job was written");
    single[i].result = Service::single(single[i]);
  }
  compare<Service>(batch, single);
  require(rc == right_total(single), "a batch has a wrong result");
}

// ---- sealed texts are opened again, some of them forged

// openable: text and tag of a sealed job as the input of another; forged: with one bit of the tag changed.
Job openable(const Job& sealed, Input& input, bool forged) {
  Job job{};
  job.twins = sealed.twins;
  job.how = 1;
  job.iv = sealed.iv;
  if (Seal::flags(sealed) == 0) job.iv.resize(CM_AEAD_IV_SIZE);
  job.aad = sealed.aad;
  job.text = sealed.text;
  job.tag.assign(sealed.tag_at, sealed.tag_at + sealed.tag.size());
  const uint8_t bit = input.byte();
  if (forged) job.tag[bit / 8 % job.tag.size()] ^= static_cast<uint8_t>(1u << bit % 8);
  const uint8_t* const out = sealed.texts->out();
  place(job, input, Bytes(out, out + sealed.in_size), sealed.in_size);
  return job;
}

void check_opened(const Job& job, bool forged) {
  if (job.result == CM_ERR_USAGE || job.texts->overlapping(job.in_size)) return;
  require(forged ? job.result == CM_ERR_AUTH : CM_SUCCEEDED(job.result), "a tag is judged wrongly");
  if (!forged) require(job.texts->output_is(job.text), "a text does not come back");
}

void open_again(Input& input, const Jobs& sealed) {
  Jobs batch, single;
  std::vector<bool> forged;
  for (const Job& job : sealed) {
    if (!CM_SUCCEEDED(job.result)) continue;
    forged.push_back(input.rare());
    Input again = input;
    batch.push_back(openable(job, input, forged.back()));
    single.push_back(openable(job, again, forged.back()));
  }
  work<Open>(batch, single);
  for (size_t i = 0; i < batch.size(); ++i) check_opened(batch[i], forged[i]);
}

// check_array: an output on the array of jobs is refused and the array is as it was.
void check_array(const Twins& twins) {
  cm_cipher_job jobs[2]{};
  Bytes text(32), iv(usual_iv(twins.algorithm));
  for (cm_cipher_job& job : jobs)
    job = {twins.batch.get(), iv.data(), iv.size(), text.data(), 32, text.data(), 32, CM_ENCRYPT, kNoResult};
  jobs[0].out = &jobs[1];
  const cm_cipher_job before = jobs[1];
  require(cm_cipher_batch(session(), jobs, 2) == CM_ERR_JOBS && jobs[0].result == CM_ERR_OVERLAP,
          "a batch overwrites itself");
  jobs[1].result = kNoResult;
  require(std::memcmp(&jobs[1], &before, sizeof before) == 0, "a batch has overwritten itself");
}

// check_counts: keys count their seals.
void check_counts(const std::vector<Twins>& keys) {
  for (const Twins& t : keys) {
    cm_key_attributes a{}, b{};
    a.struct_size = b.struct_size = sizeof a;
    require(
        cm_key_info(session(), t.batch.get(), &a) == cm_key_info(session(), t.single.get(), &b) && a.seals == b.seals,
        "seals of a batch are counted in another way");
  }
}

void run(Input& input, const std::vector<Twins>& keys) {
  const uint8_t service = input.byte() % 4;
  Jobs batch, single;
  for (size_t left = input.size(kJobsMax); left != 0; --left) {
    Input again = input;
    batch.push_back(read_job(input, keys));
    single.push_back(read_job(again, keys));
  }
  switch (service) {
    case 0:
      work<Seal>(batch, single);
      return open_again(input, batch);
    case 1:
      return work<Open>(batch, single);
    case 2:
      return work<Crypt>(batch, single);
    default:
      return work<Mac>(batch, single);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Input input(data, size, AtEnd::kAgain);
  start_case(input);
  {
    std::vector<Twins> keys = any_twins(input);
    if (input.rare()) {  // jobs may name it all the same
      keys[0].batch.destroy();
      keys[0].single.destroy();
    }
    run(input, keys);
    if (input.rare()) check_array(keys[0]);
    check_counts(keys);
  }
  end_case();
  return 0;
}
