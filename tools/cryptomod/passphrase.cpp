// SPDX-License-Identifier: Apache-2.0
// passphrase.cpp: see passphrase.h.
#include "tools/cryptomod/passphrase.h"

#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "tools/cryptomod/failure.h"
#include "tools/cryptomod/files.h"
#include "tools/cryptomod/signals.h"

namespace cm::tool {
namespace {

// QuietTerminal: no echo while it lives.
class QuietTerminal {
 public:
  explicit QuietTerminal(int fd) : fd_(fd) {
    if (tcgetattr(fd_, &before_) != 0) fail_errno("cannot use the terminal", errno);
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    quiet.c_lflag |= ECHONL | ICANON;
    set_terminal(fd_, before_);
    if (tcsetattr(fd_, TCSAFLUSH, &quiet) != 0) {
      clear_terminal();
      fail_errno("cannot use the terminal", errno);
    }
  }
  ~QuietTerminal() {
    tcsetattr(fd_, TCSAFLUSH, &before_);
    clear_terminal();
  }
  QuietTerminal(const QuietTerminal&) = delete;
  QuietTerminal& operator=(const QuietTerminal&) = delete;

 private:
  int fd_;
  termios before_{};
};

// read_line: byte by byte, so that no buffer keeps a copy.
Passphrase read_line(int fd, const std::string& name) {
  Passphrase line;
  for (;;) {
    check_signals();
    uint8_t byte = 0;
    const ssize_t n = read(fd, &byte, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_errno("cannot read " + name, errno);
    if (n == 0 || byte == '\n') return line;
    if (byte == 0) fail(kExitFailed, "{} holds a zero byte and is not a passphrase", name);
    if (!line.append(byte))
      fail(kExitFailed, "{} holds a passphrase longer than {} bytes; use a shorter one", name, kPassphraseSizeMax);
  }
}

}  // namespace

Passphrase::~Passphrase() { explicit_bzero(bytes_.data(), bytes_.size()); }

Passphrase::Passphrase(Passphrase&& other) noexcept : bytes_(other.bytes_), size_(other.size_) {
  explicit_bzero(other.bytes_.data(), other.bytes_.size());
  other.size_ = 0;
}

size_t Passphrase::characters() const {
  const auto is_first_byte = [](uint8_t b) { return (b & 0xc0) != 0x80; };
  const auto text = bytes();
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), is_first_byte));
}

bool Passphrase::same(const Passphrase& other) const {
  return size_ == other.size_ && std::equal(bytes().begin(), bytes().end(), other.bytes().begin());
}

bool Passphrase::append(uint8_t byte) {
  if (size_ == bytes_.size()) return false;
  bytes_[size_++] = byte;
  return true;
}

void Passphrase::drop_carriage_return() {
  if (size_ != 0 && bytes_[size_ - 1] == '\r') bytes_[--size_] = 0;
}

Passphrase passphrase_from_file(const std::string& path) {
  FileDescriptor fd = open_private_file(path, "passphrase file");
  Passphrase passphrase = read_line(fd.get(), "the passphrase file '" + path + "'");
  passphrase.drop_carriage_return();
  if (passphrase.bytes().empty()) fail(kExitFailed, "the first line of the passphrase file '{}' is empty", path);
  return passphrase;
}

Passphrase ask_passphrase(std::string_view prompt) {
  const FileDescriptor terminal(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!terminal.valid())
    fail(kExitFailed, "there is no terminal to ask for the passphrase; give it in a file with --passphrase-file");
  const QuietTerminal quiet(terminal.get());
  const std::string text = fmt::format("{}: ", prompt);
  if (write(terminal.get(), text.data(), text.size()) < 0) fail_errno("cannot use the terminal", errno);
  return read_line(terminal.get(), "the terminal");
}

void require_strong(const Passphrase& passphrase) {
  if (passphrase.characters() < kPassphraseCharactersMin)
    fail(kExitFailed, "the passphrase is too short: at least {} characters are needed; several random words do well",
         kPassphraseCharactersMin);
}

Passphrase ask_new_passphrase() {
  Passphrase first = ask_passphrase(fmt::format("Passphrase ({} characters or more)", kPassphraseCharactersMin));
  require_strong(first);
  const Passphrase second = ask_passphrase("Passphrase again");
  if (!first.same(second)) fail(kExitFailed, "the two passphrases differ; no key was made, run the command again");
  return first;
}

}  // namespace cm::tool
