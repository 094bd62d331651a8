// SPDX-License-Identifier: Apache-2.0
// html_charts.h: the drawings of a report, as SVG within the page: nothing is loaded, and colours are those of its
// style. Each says in words what it shows. Integers only, so that every machine draws the same.
#pragma once
#include "audit/verify/html.h"
#include "audit/verify/timeline.h"

namespace cm::audit::verify {

// timeline_chart: bars of records, failures among them, and marks where there were anchors and starts.
Html timeline_chart(const Timeline& timeline);
// latency_chart: bars of calls by power of two of their duration.
Html latency_chart(const Latencies& latencies);
// coverage_chart: the first of all records are covered; all may be 0.
Html coverage_chart(uint64_t covered, uint64_t all);

}  // namespace cm::audit::verify
