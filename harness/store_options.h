// What the commands that read or write a store share.
#pragma once

#include <string>
#include <string_view>

#include "harness/arguments.h"
#include "results/report.h"

namespace candor::harness {

inline constexpr std::string_view kDefaultStore = "candor.db";

void declare_store(Arguments& arguments, std::string& database);

/// Colours and width as standard output has them.
results::Style table_style();

}  // namespace candor::harness
