// Numbers as people read them, the same in the terminal and in the report. Private to results.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "results/store.h"

namespace candor::results {

std::string grouped(std::int64_t value);                    ///< "12,345"
std::string score_text(double value);                       ///< "0.5312"; "nan"
std::string interval_text(double low, double high);         ///< "[0.49, 0.57]" with four digits
std::string percent_text(double rate);                      ///< "12.5 %"
std::string rate_text(std::int64_t count, std::int64_t n);  ///< "12 %"; "–" of none
std::string points_text(double difference);                 ///< "+12.5", percentage points
std::string points_interval_text(double low, double high);  ///< "[+1.0, +24.0]"
std::string p_text(double p);                               ///< "0.012", "<0.001"

/// Below this adjusted p a finding is called one.
inline constexpr double kFoundBelow = 0.05;
bool is_found(const FindingRow& row);

/// How many findings there are, of how many looked for; if none, the smallest effect the audit could have seen.
std::string findings_summary(const std::vector<FindingRow>& findings);

}  // namespace candor::results
