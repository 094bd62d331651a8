// SPDX-License-Identifier: Apache-2.0
// html_charts.cpp: see html_charts.h.
#include "audit/verify/html_charts.h"

#include <fmt/format.h>

#include <algorithm>

#include "audit/verify/report.h"

namespace cm::audit::verify {
namespace {

// In units of the drawing.
constexpr uint64_t kWidth = 960;
constexpr uint64_t kLeft = 70, kRight = 20;
constexpr uint64_t kPlotWidth = kWidth - kLeft - kRight;
constexpr uint64_t kTop = 10, kPlotHeight = 160, kBase = kTop + kPlotHeight;

// scaled: value of most as units of size; what is not nothing is seen.
uint64_t scaled(uint64_t value, uint64_t most, uint64_t size) {
  if (value == 0 || most == 0) return 0;
  const auto exact = static_cast<__uint128_t>(value) * size / most;
  return std::max<uint64_t>(1, static_cast<uint64_t>(exact));
}

std::string open_chart(const char* id, uint64_t height, std::string_view title, std::string_view what) {
  return fmt::format(
      "<svg role=\"img\" viewBox=\"0 0 {} {}\" aria-labelledby=\"{}-title {}-desc\">\n"
      "<title id=\"{}-title\">{}</title>\n<desc id=\"{}-desc\">{}</desc>\n",
      kWidth, height, id, id, id, html_text(title).markup, id, html_text(what).markup);
}

std::string bar(const char* kind, uint64_t x, uint64_t width, uint64_t height, std::string_view title) {
  if (height == 0) return "";
  return fmt::format("<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"><title>{}</title></rect>\n", kind,
                     x, kBase - height, width, height, html_text(title).markup);
}

std::string label(uint64_t x, uint64_t y, const char* anchor, const Html& text) {
  return fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor, text.markup);
}

// axes: the frame of a plot, with its largest value.
std::string axes(uint64_t most) {
  return fmt::format("<path class=\"axis\" d=\"M{0} {1}V{2}H{3}\"/>\n", kLeft, kTop, kBase, kLeft + kPlotWidth) +
         label(kLeft - 8, kTop + 10, "end", html_number(most)) + label(kLeft - 8, kBase, "end", html_number(0));
}

std::string bucket_title(const Timeline& timeline, size_t index) {
  const Timeline::Bucket& b = timeline.buckets()[index];
  return fmt::format("from {} for {}: {} records, {} failed, {} anchors, {} starts or breaks",
                     utc_text(timeline.origin_ns() + index * timeline.width_ns()), duration_text(timeline.width_ns()),
                     b.records, b.failed, b.anchors, b.starts);
}

std::string mark(const char* kind, uint64_t x, uint64_t y, const char* shape, std::string_view title) {
  return fmt::format("<path class=\"{}\" d=\"M{} {}{}\"><title>{}</title></path>\n", kind, x, y, shape,
                     html_text(title).markup);
}

std::string timeline_row(const Timeline& timeline, size_t i, size_t shown, uint64_t most) {
  const Timeline::Bucket& b = timeline.buckets()[i];
  const uint64_t x = kLeft + i * kPlotWidth / shown;
  const uint64_t width = std::max<uint64_t>(1, kLeft + (i + 1) * kPlotWidth / shown - x - (shown < 400 ? 1 : 0));
  const std::string title = bucket_title(timeline, i);
  std::string out = bar("bar", x, width, scaled(b.records, most, kPlotHeight), title);
  out += bar("bad", x, width, scaled(b.failed, most, kPlotHeight), title);
  const uint64_t middle = x + width / 2;
  if (b.anchors != 0) out += mark("anchor", middle, kBase + 6, "l4 8h-8z", title);
  if (b.starts != 0) out += mark("start", middle - 4, kBase + 22, "h8v8h-8z", title);
  return out;
}

// bucket_begin: of a bucket of Latencies.
uint64_t bucket_begin(size_t index) { return index == 0 ? 0 : uint64_t{1} << ((index - 1) % 64); }

std::string bucket_range(size_t index) {
  if (index == 0) return "0 ns";
  const std::string from = duration_text(bucket_begin(index));
  return index + 1 == Latencies::kBuckets ? from + " and more" : from + " to " + duration_text(bucket_begin(index + 1));
}

}  // namespace

Html timeline_chart(const Timeline& timeline) {
  const size_t shown = std::max<size_t>(timeline.used(), 1);
  uint64_t most = 0;
  for (const Timeline::Bucket& b : timeline.buckets()) most = std::max({most, b.records, b.failed});
  const uint64_t end = timeline.origin_ns() + shown * timeline.width_ns();
  std::string out = open_chart(
      "timeline", kBase + 60, "Records over time",
      fmt::format("Bars: records per {}, at most {}, from {} to {}; failed calls and self-tests in another colour. "
                  "Triangles: anchors. Squares: starts of a writer and what breaks the proof.",
                  duration_text(timeline.width_ns()), most, utc_text(timeline.origin_ns()), utc_text(end)));
  out += axes(most);
  for (size_t i = 0; i < shown; ++i) out += timeline_row(timeline, i, shown, most);
  out += label(kLeft - 8, kBase + 15, "end", html_text("anchors"));
  out += label(kLeft - 8, kBase + 31, "end", html_text("starts"));
  out += label(kLeft, kBase + 50, "start", html_text(utc_text(timeline.origin_ns())));
  out += label(kLeft + kPlotWidth, kBase + 50, "end", html_text(utc_text(end)));
  return {out + "</svg>\n"};
}

Html latency_chart(const Latencies& latencies) {
  const auto& buckets = latencies.buckets();
  size_t first = 0;
  while (first + 1 < buckets.size() && buckets[first] == 0) ++first;
  size_t behind = buckets.size();
  while (behind > first + 1 && buckets[behind - 1] == 0) --behind;
  const uint64_t most = *std::max_element(buckets.begin(), buckets.end());
  std::string out =
      open_chart("latency", kBase + 30, "Duration of calls",
                 fmt::format("Bars: calls by duration, each bar twice as long a time as the one before, from "
                             "{} to {}; at most {} calls in one bar.",
                             bucket_range(first), bucket_range(behind - 1), most));
  out += axes(most);
  const size_t shown = behind - first;
  for (size_t i = 0; i < shown; ++i) {
    const uint64_t x = kLeft + i * kPlotWidth / shown;
    const uint64_t width = kLeft + (i + 1) * kPlotWidth / shown - x - 2;
    out += bar("bar", x, width, scaled(buckets[first + i], most, kPlotHeight),
               fmt::format("{}: {} calls", bucket_range(first + i), buckets[first + i]));
    if (shown <= 14 || i % (shown / 7) == 0)
      out += label(x, kBase + 20, "start", html_text(duration_text(bucket_begin(first + i))));
  }
  return {out + "</svg>\n"};
}

Html coverage_chart(uint64_t covered, uint64_t all) {
  constexpr uint64_t kHeight = 28;
  const uint64_t part = all == 0 ? 0 : std::min(kWidth, scaled(covered, all, kWidth));
  return {open_chart("coverage", kHeight, "Records under an anchor",
                     fmt::format("{} of {} records are covered by an anchor.", covered, all)) +
          fmt::format("<rect class=\"tail\" x=\"0\" y=\"0\" width=\"{0}\" height=\"{2}\"/>\n"
                      "<rect class=\"bar\" x=\"0\" y=\"0\" width=\"{1}\" height=\"{2}\"/>\n</svg>\n",
                      kWidth, part, kHeight)};
}

}  // namespace cm::audit::verify
