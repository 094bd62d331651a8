// SPDX-License-Identifier: Apache-2.0
// supervisor.cpp: see supervisor.h. A lost private writer is started again at once; a writer that lives less than a
// second is followed after 100 ms at the earliest; attempts that fail are 100 ms to 2 s apart.
#include "audit/producer/supervisor.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include "audit/producer/link.h"
#include "audit/producer/process_ring.h"
#include "audit/producer/producer_state.h"
#include "audit/producer/spawn.h"

namespace cm::audit {
namespace {

constexpr uint64_t kMsNs = 1'000'000;
constexpr uint64_t kShortLifeNs = 1000 * kMsNs;
constexpr uint64_t kRetryMinNs = 100 * kMsNs;
constexpr uint64_t kRetryMaxNs = 2000 * kMsNs;
constexpr size_t kThreadStack = 256 * 1024;  // thread-local storage of the application is taken from it too

// Watch: what the supervisor remembers between two looks.
struct Watch {
  uint64_t up_since_ns;
  uint64_t retry_at_ns;
  uint64_t retry_pause_ns;
  uint32_t losses;  // not yet reported
  uint32_t lost_incarnation;
  bool attached;  // not yet reported
  bool bye_sent;
};

bool refusals_pending() {
  return g_process.refused_unreported.load(std::memory_order_relaxed) != 0 ||
         g_process.unrecorded.load(std::memory_order_relaxed) != 0;
}

bool is_moving() {
  const LockGuard guard(g_process.home_lock);
  return g_process.phase == Phase::kMoving;
}

// record_health: false when there is no room now; it is tried again.
bool record_health(EventId event, uint64_t object, uint64_t detail) {
  return g_process.attachment.load(std::memory_order_acquire) != 0 &&
         home_event(event_record(static_cast<uint32_t>(event), 0, object, detail)) == HomeResult::kKept;
}

void report(Watch& w) {
  if (w.losses != 0 && record_health(EventId::kHealthWriterLost, w.lost_incarnation, w.losses)) w.losses = 0;
  if (w.attached && w.losses == 0)
    w.attached =
        !record_health(EventId::kHealthWriterAttached, g_process.incarnation.load(std::memory_order_relaxed), 0);
  report_refusals();
}

// lose_writer: what the dead writer said about itself no longer holds: its flags would refuse calls at once, its
// `sleeping` would cost every record a system call. They go before the link is said to be down: whoever reads "lost"
// finds no word of the dead left.
void lose_writer(Watch& w) {
  const uint64_t now = monotonic_ns();
  WriterPage& page = *g_process.memory.writer();
  page.flags.store(0, std::memory_order_release);
  page.sleeping.store(0, std::memory_order_release);
  link_drop();
  ++w.losses;
  w.lost_incarnation = g_process.incarnation.load(std::memory_order_relaxed);
  w.attached = false;
  w.bye_sent = false;
  w.retry_pause_ns = kRetryMinNs;
  w.retry_at_ns = now - w.up_since_ns < kShortLifeNs ? now + kRetryMinNs : now;
}

void try_again(Watch& w) {
  if (establish_link() == Established::kUp) {
    w.up_since_ns = monotonic_ns();
    w.attached = true;
    futex_wake(g_process.memory.writer()->progress, FutexScope::kShared, kWakeAll);
    return;
  }
  w.retry_at_ns = monotonic_ns() + w.retry_pause_ns;
  w.retry_pause_ns = w.retry_pause_ns * 2 < kRetryMaxNs ? w.retry_pause_ns * 2 : kRetryMaxNs;
}

// pause_ms: how long nothing needs to be done unless somebody kicks or the writer goes.
int pause_ms(const Watch& w, bool up) {
  constexpr int kMovingMs = 5, kPendingMs = 100, kForever = -1;
  if (!up) return Deadline{w.retry_at_ns}.left_ms(static_cast<int>(kRetryMaxNs / kMsNs));
  if (is_moving()) return kMovingMs;
  return w.losses != 0 || w.attached || refusals_pending() ? kPendingMs : kForever;
}

// look_at_link: true when the writer has said goodbye and the supervisor's work is done.
bool look_at_link(Watch& w, bool readable) {
  const LinkMessage message = readable ? link_read() : LinkMessage::kNone;
  if (message == LinkMessage::kByeDone && w.bye_sent) {
    g_process.bye_done.store(1, std::memory_order_release);
    futex_wake(g_process.bye_done, FutexScope::kPrivate, kWakeAll);
    return true;
  }
  bool gone = message != LinkMessage::kNone || g_process.distrusted.load(std::memory_order_acquire) != 0;
  if (!gone && !w.bye_sent && g_process.bye_wanted.load(std::memory_order_acquire) != 0) {
    w.bye_sent = link_send_bye(g_process.config.is_private());
    gone = !w.bye_sent;
  }
  if (gone) lose_writer(w);
  return false;
}

void* supervise(void*) {
  Watch w{};
  bool up = g_process.link_state.load(std::memory_order_acquire) == LinkState::kUp;
  w.up_since_ns = monotonic_ns();
  w.retry_pause_ns = kRetryMinNs;
  while (g_process.stop.load(std::memory_order_acquire) == 0) {
    if (!up && Deadline{w.retry_at_ns}.left_ns() == 0) try_again(w);
    up = g_process.link_state.load(std::memory_order_acquire) == LinkState::kUp;
    if (up) static_cast<void>(home_move_boot());
    report(w);
    pollfd watched[2] = {{g_process.kick_fd.load(std::memory_order_relaxed), POLLIN, 0},
                         {up ? g_process.link_fd.load(std::memory_order_relaxed) : -1, POLLIN, 0}};
    poll(watched, 2, pause_ms(w, up));
    if (watched[0].revents != 0) drain_kicks();
    if (up && look_at_link(w, watched[1].revents != 0)) return nullptr;
    up = g_process.link_state.load(std::memory_order_acquire) == LinkState::kUp;
  }
  return nullptr;
}

bool create_thread(const pthread_attr_t* attributes) {
  return pthread_create(&g_process.supervisor, attributes, supervise, nullptr) == 0;
}

}  // namespace

Established establish_link() {
  ConnectResult result = link_connect();
  if (result == ConnectResult::kNobody && g_process.config.is_private()) {
    if (!spawn_writer(Deadline::after_ms(kWriterStartMs))) return Established::kFailed;
    result = link_connect();
  }
  if (result != ConnectResult::kConnected) return Established::kFailed;
  return link_handshake(Deadline::after_ms(kWelcomeMs)) ? Established::kUp : Established::kHungUp;
}

void report_refusals() {
  const uint64_t refused = g_process.refused_unreported.load(std::memory_order_relaxed);
  const uint64_t unrecorded = g_process.unrecorded.load(std::memory_order_relaxed);
  if ((refused | unrecorded) == 0 || !record_health(EventId::kHealthRefused, refused, unrecorded)) return;
  g_process.refused_unreported.fetch_sub(refused, std::memory_order_relaxed);
  g_process.unrecorded.fetch_sub(unrecorded, std::memory_order_relaxed);
}

bool supervisor_start() {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_attr_t attributes;
  bool made = false;
  if (pthread_attr_init(&attributes) == 0) {
    made = pthread_attr_setstacksize(&attributes, kThreadStack) == 0 && create_thread(&attributes);
    pthread_attr_destroy(&attributes);
  }
  g_process.supervised = made || create_thread(nullptr);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return g_process.supervised;
}

void supervisor_stop() {
  g_process.stop.store(1, std::memory_order_release);
  kick_supervisor();
  if (g_process.supervised) pthread_join(g_process.supervisor, nullptr);
  g_process.supervised = false;
}

void kick_supervisor() {
  const int fd = g_process.kick_fd.load(std::memory_order_acquire);
  if (fd >= 0) static_cast<void>(eventfd_write(fd, 1));
}

}  // namespace cm::audit
