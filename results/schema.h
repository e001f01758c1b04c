// The tables of a store, and how a file becomes one. Private to results.
#pragma once

#include <memory>
#include <string>

#include "results/database.h"

namespace candor::results {

/// A file that is a store of this version, checked. @throws Error
/// @param write  also makes the file if it is not there or empty; it appears under its name only when it is whole.
std::unique_ptr<Database> open_store(const std::string& path, bool write, int busy_timeout_ms);

}  // namespace candor::results
