// One JSON text for values that are equal: the keys of every object sorted. Private to results.
#pragma once

#include <string>

#include "base/value.h"

namespace candor::results {

std::string canonical_json(const Value& value);

}  // namespace candor::results
