// Groups: their members, and their scores from their tasks' scores.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "suites/suites.h"
#include "suites/task_file.h"

namespace candor::suites {

struct GroupMetric {
  std::string metric;
  bool weight_by_size = true;
  std::optional<std::vector<std::string>> filters;  ///< Nothing: all that the tasks have.
};

struct GroupNode {
  std::string name;
  std::vector<GroupMetric> metrics;
  std::vector<std::string> leaves;  ///< Tasks at any depth.
  std::vector<GroupNode> subgroups;
};

/// Keys of a group file that are not settings of its tasks.
bool is_group_key(const std::string& key);

/// @throws Error{kBadInput}
std::vector<GroupMetric> parse_group_metrics(const Value* list, const std::string& where);

void aggregate_group(const GroupNode& group, const std::map<std::string, std::vector<AggregateScore>>& tasks,
                     std::vector<GroupScore>& out);

}  // namespace candor::suites
