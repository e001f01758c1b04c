// Where the tests find the reference data that is not part of this repository.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace candor::scoring {

/// Path of a file of the shared reference data: under $CANDOR_SHARED, else beside the source folder.
inline std::filesystem::path shared_file(const std::string& name) {
  const char* shared = std::getenv("CANDOR_SHARED");
  const std::filesystem::path root =
      shared != nullptr ? std::filesystem::path(shared) : std::filesystem::path(CANDOR_SOURCE_DIR) / ".." / "shared";
  return root / name;
}

}  // namespace candor::scoring
