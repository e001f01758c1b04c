// What people read: tables in the terminal, comparisons, the HTML report.
#pragma once

#include <string>
#include <vector>

#include "base/value.h"
#include "results/store.h"

namespace candor::results {

struct Style {
  bool colour = false;  ///< ANSI colours.
  int columns = 100;    ///< Width of the terminal.
};

/// Table of runs: id, kind, model, tasks, status, when, tokens requested / computed.
std::string runs_table(const Store& store, const Style& style);

/// Scores with intervals, then the audit by topic and language, of one run.
std::string run_table(const Store& store, std::int64_t run, const Style& style);
/// The same as JSON, for --json.
Value run_summary(const Store& store, std::int64_t run);

/// Two or more runs against the first, paired by task and document: difference, interval, p (McNemar mid-p for 0/1
/// scores, sign-flip permutation otherwise), samples that changed.
Value compare_runs(const Store& store, const std::vector<std::int64_t>& runs);
std::string comparison_table(const Value& comparison, const Style& style);

/// One self-contained file that opens offline: scores, the audit by topic and language, comparisons, and every sample
/// with the rule spans that decided it marked in the answer. Model output is escaped, whatever it holds.
/// @param runs  empty: all finished runs.
std::string html_report(const Store& store, const std::vector<std::int64_t>& runs);

}  // namespace candor::results
