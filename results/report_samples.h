// The samples of a report: what was asked, answered and decided. Private to results.
#pragma once

#include <string>
#include <vector>

#include "results/store.h"

namespace candor::results {

/// What the report shows of one document.
struct ReportSample {
  std::size_t run = 0;  ///< Index into the report's runs.
  std::string task;
  std::int64_t doc_id = 0;
  Value record;  ///< Dict for the script; html_sample reads the same.
};

struct ReportSamples {
  std::vector<ReportSample> samples;
  std::int64_t total = 0;  ///< Documents there are; more than the samples if the report would have become too large.
};

ReportSamples report_samples(const Store& store, const std::vector<Run>& runs);

/// The section: filters, the first samples of every task as HTML, all of them as data for the script.
std::string samples_section(const ReportSamples& samples, const std::vector<Run>& runs);

}  // namespace candor::results
