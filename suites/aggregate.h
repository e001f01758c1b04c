// From documents to a task's number, with its standard error (lm_eval/api/metrics.py).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "suites/metrics.h"

namespace candor::suites {

/// Whether an aggregation is known and can take a metric's items. @throws Error{kBadInput}
void check_aggregation(const MetricEntry& metric, const std::string& where);

/// @param items  of all documents, all of one kind; not empty.
double aggregate_items(const std::string& aggregation, const std::vector<Item>& items);

/// Nothing for one document, for no iterations, and for aggregations that have none. Bootstrapped ones do not depend on
/// the number of threads: each chunk of 1000 replicates has its own generator.
std::optional<double> standard_error(const std::string& aggregation, const std::vector<Item>& items,
                                     int bootstrap_iterations);

}  // namespace candor::suites
