// SPDX-License-Identifier: Apache-2.0
// fixed_text.h: text of bounded length in a fixed array: paths, arguments and sentences, without heap. A text that does
// not fit is not cut: it becomes empty and says so, because a cut path is another path.
#pragma once
#include <cstddef>
#include <cstdint>

namespace cm::audit {

template <size_t N>
class FixedText {
 public:
  const char* c_str() const { return bytes_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  bool overflowed() const { return overflowed_; }

  void clear() {
    bytes_[0] = 0;
    size_ = 0;
    overflowed_ = false;
  }

  FixedText& add(const char* text) { return add(text, length(text)); }

  FixedText& add(const char* text, size_t count) {
    if (overflowed_ || count >= N - size_) {
      clear();
      overflowed_ = true;
      return *this;
    }
    for (size_t i = 0; i < count; ++i) bytes_[size_ + i] = text[i];
    size_ += count;
    bytes_[size_] = 0;
    return *this;
  }

  FixedText& add_number(uint64_t value) {
    char digits[20];
    size_t at = sizeof digits;
    do {
      digits[--at] = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value != 0);
    return add(digits + at, sizeof digits - at);
  }

  void assign(const char* text) {
    clear();
    add(text);
  }

  // drop_trailing: removes characters from the end; at least one character stays.
  void drop_trailing(char c) {
    while (size_ > 1 && bytes_[size_ - 1] == c) bytes_[--size_] = 0;
  }

 private:
  static size_t length(const char* text) {
    size_t n = 0;
    while (text[n] != 0) ++n;
    return n;
  }

  char bytes_[N] = {};
  size_t size_ = 0;
  bool overflowed_ = false;
};

inline constexpr size_t kPathSize = 4096;  // PATH_MAX
using Path = FixedText<kPathSize>;
using Sentence = FixedText<256>;

}  // namespace cm::audit
