// SPDX-License-Identifier: Apache-2.0
// inject_env.cpp: faults on demand, for the test build of the module and for tests of its parts. It is linked into a
// library without the C++ runtime and asked by an ELF constructor, so it allocates nothing and uses libc alone.
#include "tests/support/inject_env.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "selftest/casts.h"
#include "selftest/inject.h"

namespace cm::inject_env {
namespace {

constexpr size_t kNameMax = 64;

struct Faults {
  FeatureMask hidden;
  char cast_name[kNameMax];
  char lane[kNameMax];
  bool entropy;
};
Faults faults;

struct Word {
  const char* text;
  size_t size;
  bool is(const char* name) const { return std::strlen(name) == size && std::memcmp(text, name, size) == 0; }
};

// next_word: the next item of a comma-separated list; false at its end.
bool next_word(const char*& list, Word& word) {
  if (list == nullptr || *list == '\0') return false;
  const char* comma = std::strchr(list, ',');
  word = {list, comma == nullptr ? std::strlen(list) : static_cast<size_t>(comma - list)};
  list += word.size + (comma == nullptr ? 0 : 1);
  return true;
}

[[noreturn]] void die(const char* variable, const Word& word) {
  std::fprintf(stderr, "%s: no such name: %.*s\n", variable, static_cast<int>(word.size), word.text);
  std::abort();
}

FeatureMask feature_named(const Word& word) {
  for (const FeatureName& row : kFeatureNames)
    if (word.is(row.name)) return row.bit;
  die("CM_TEST_HIDE_FEATURES", word);
}

bool cast_exists(const Word& name) {
  for (const CastRow& row : kCasts)
    if (name.is(row.name)) return true;
  return false;
}

bool environment_breaks(const char* cast_name, const char* lane) {
  constexpr char kVariable[] = "CM_TEST_BREAK_CAST";
  bool broken = false;
  const char* list = std::getenv(kVariable);
  for (Word word{}; next_word(list, word);) {
    const void* colon = std::memchr(word.text, ':', word.size);
    if (colon == nullptr) die(kVariable, word);
    const auto name_size = static_cast<size_t>(static_cast<const char*>(colon) - word.text);
    const Word name{word.text, name_size};
    const Word on{word.text + name_size + 1, word.size - name_size - 1};
    if (!cast_exists(name)) die(kVariable, word);
    broken = broken || (name.is(cast_name) && on.is(lane));
  }
  return broken;
}

}  // namespace

void set_hidden_features(FeatureMask hidden) { faults.hidden = hidden; }

void break_cast(const char* cast_name, const char* lane) {
  std::snprintf(faults.cast_name, kNameMax, "%s", cast_name == nullptr ? "" : cast_name);
  std::snprintf(faults.lane, kNameMax, "%s", lane == nullptr ? "" : lane);
}

void break_entropy(bool broken) { faults.entropy = broken; }

void reset() { faults = Faults{}; }

}  // namespace cm::inject_env

namespace cm::inject {

FeatureMask hidden_features() {
  FeatureMask hidden = inject_env::faults.hidden;
  const char* list = std::getenv("CM_TEST_HIDE_FEATURES");
  for (inject_env::Word word{}; inject_env::next_word(list, word);) hidden |= inject_env::feature_named(word);
  return hidden;
}

bool breaks_cast(const char* cast_name, const char* lane) {
  const inject_env::Faults& f = inject_env::faults;
  const bool set = std::strcmp(f.cast_name, cast_name) == 0 && std::strcmp(f.lane, lane) == 0;
  return set || inject_env::environment_breaks(cast_name, lane);
}

bool breaks_entropy() {
  const char* text = std::getenv("CM_TEST_BREAK_ENTROPY");
  return inject_env::faults.entropy || (text != nullptr && std::strcmp(text, "1") == 0);
}

uint64_t seals_before() {
  const char* text = std::getenv("CM_TEST_SEALS_BEFORE");
  return text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
}

}  // namespace cm::inject
