// SPDX-License-Identifier: Apache-2.0
// record_tree.cpp: see record_tree.h.
#include "audit/verify/record_tree.h"

#include <algorithm>
#include <limits>

namespace cm::audit::verify {
namespace {

// Visitor: gives one frame after the other to a function.
template <class Visit>
class Visitor final : public FrameObserver {
 public:
  explicit Visitor(Visit visit) : visit_(std::move(visit)) {}
  void accepted(const FrameView& frame, const FramePlace&) override { visit_(frame); }

 private:
  Visit visit_;
};

template <class Visit>
Report visit_frames(LogSource& source, const Options& options, Visit visit) {
  Visitor observer(std::move(visit));
  Options with_observer = options;
  with_observer.observer = &observer;
  Report report;
  verify_log(source, with_observer, report);
  return report;
}

// for_records: gives one record of the frame after the other to a function, with its number.
template <class Visit>
void for_records(const FrameView& frame, Visit visit) {
  for (size_t i = 0; i < frame.header.record_count; ++i)
    visit(frame.header.first_record + i, frame.records.subspan(i * kRecordSize, kRecordSize));
}

bool answers(const FrameView& frame, const Digest& challenge) {
  Anchor anchor;
  return frame.header.type == static_cast<uint16_t>(FrameType::kAnchor) && decode(frame.var, anchor) &&
         anchor.challenge == challenge;
}

// hash_ranges: the roots of ranges that do not overlap, in one pass; record gets that of one index. False when the log
// does not have them all.
bool hash_ranges(LogSource& source, const Options& options, const std::vector<LeafRange>& ranges,
                 std::vector<Digest>& roots, uint64_t index, std::array<uint8_t, kRecordSize>& record) {
  std::vector<MerkleTree> trees(ranges.size(), MerkleTree(options.lane));
  std::vector<size_t> order(ranges.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [&](size_t i) { return ranges[i].first; });
  size_t current = 0;
  const auto take = [&](uint64_t number, std::span<const uint8_t> bytes) {
    if (number == index) std::ranges::copy(bytes, record.begin());
    while (current < order.size() && number >= ranges[order[current]].end) ++current;
    if (current < order.size() && number >= ranges[order[current]].first)
      trees[order[current]].add(leaf_hash(options.lane, bytes));
  };
  visit_frames(source, options, [&](const FrameView& frame) { for_records(frame, take); });
  for (size_t i = 0; i < ranges.size(); ++i) {
    if (trees[i].size() != ranges[i].end - ranges[i].first) return false;
    roots.push_back(trees[i].root());
  }
  return true;
}

}  // namespace

LogTree read_tree(LogSource& source, const Options& options, const TreeQuestion& question) {
  LogTree out;
  MerkleTree tree(options.lane);
  const uint64_t wanted = question.size.value_or(std::numeric_limits<uint64_t>::max());
  if (question.old_size == 0U) out.old_head = TreeHead{0, tree.root()};
  const auto take = [&](uint64_t, std::span<const uint8_t> bytes) {
    if (tree.size() == wanted) return;
    tree.add(leaf_hash(options.lane, bytes));
    if (tree.size() == question.old_size) out.old_head = TreeHead{tree.size(), tree.root()};
  };
  out.report = visit_frames(source, options, [&](const FrameView& frame) {
    for_records(frame, take);
    if (question.challenge && answers(frame, *question.challenge)) out.challenged = true;
  });
  out.head = {tree.size(), tree.root()};
  LogId log_id{};
  if (const auto bytes = parse_hex(out.report.log_id); bytes && bytes->size() == log_id.size())
    std::ranges::copy(*bytes, log_id.begin());
  out.origin = log_origin(log_id);
  return out;
}

std::optional<InclusionProof> prove_record(LogSource& source, const Options& options, const LogTree& tree,
                                           uint64_t index) {
  InclusionProof out;
  out.index = index;
  out.checkpoint = {tree.origin, tree.head};
  if (!hash_ranges(source, options, inclusion_ranges(index, tree.head.size), out.hashes, index, out.record) ||
      !inclusion_holds(options.lane, leaf_hash(options.lane, out.record), index, out.hashes, tree.head))
    return std::nullopt;
  return out;
}

std::optional<ConsistencyProof> prove_consistency(LogSource& source, const Options& options, const LogTree& tree,
                                                  const TreeHead& old_head) {
  ConsistencyProof out;
  out.old_head = old_head;
  out.checkpoint = {tree.origin, tree.head};
  std::array<uint8_t, kRecordSize> unused;
  const auto ranges = consistency_ranges(out.old_head.size, tree.head.size);
  if (!hash_ranges(source, options, ranges, out.hashes, tree.head.size, unused) ||
      !consistency_holds(options.lane, out.old_head, tree.head, out.hashes))
    return std::nullopt;
  return out;
}

}  // namespace cm::audit::verify
