// SPDX-License-Identifier: Apache-2.0
// html_report.h: the verdict and what is in the log as one HTML page that needs nothing else: no script, no network. It
// depends on its arguments alone: the same log gives the same bytes.
#pragma once
#include <string>

#include "audit/verify/log_statistics.h"
#include "audit/verify/report.h"

namespace cm::audit::verify {

std::string html_report(const Report& report, const Statistics& statistics);

}  // namespace cm::audit::verify
