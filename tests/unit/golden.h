// Where the golden models are, and how the tests read their references.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"

namespace candor::testing_support {

inline std::filesystem::path shared_folder() {
  const char* named = std::getenv("CANDOR_SHARED");
  return named != nullptr ? std::filesystem::path(named) : std::filesystem::path(CANDOR_SOURCE_DIR) / ".." / "shared";
}

/// A golden model's folder: of this repository, else of the shared data; empty if neither has it.
inline std::filesystem::path golden_folder(const std::string& name) {
  for (const std::filesystem::path& root :
       {std::filesystem::path(CANDOR_SOURCE_DIR) / "tests" / "golden", shared_folder() / "golden"})
    if (std::filesystem::exists(root / name / "reference.json")) return root / name;
  return {};
}

inline Value golden_reference(const std::filesystem::path& folder) {
  return parse_json(read_file(folder / "reference.json"), "reference.json");
}

/// What --model takes: the folder, or the GGUF file in it.
inline std::string golden_model(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".gguf") return entry.path();
  return folder;
}

inline std::vector<std::int32_t> integers(const Value& list) {
  std::vector<std::int32_t> out;
  for (const Value& item : list.list()) out.push_back(static_cast<std::int32_t>(item.integer()));
  return out;
}

inline std::vector<double> reals(const Value& list) {
  std::vector<double> out;
  for (const Value& item : list.list()) out.push_back(item.real());
  return out;
}

/// SmolLM2-135M-Instruct's GGUF file, if the user has fetched it; else empty.
inline std::string smollm2_file() {
  std::vector<std::filesystem::path> places;
  if (const char* named = std::getenv("CANDOR_SMOLLM2")) places.emplace_back(named);
  const char* file = "SmolLM2-135M-Instruct.Q4_1.gguf";
  if (const char* cache = std::getenv("CANDOR_CACHE")) places.push_back(std::filesystem::path(cache) / file);
  if (const char* cache = std::getenv("XDG_CACHE_HOME"))
    places.push_back(std::filesystem::path(cache) / "candor" / file);
  if (const char* home = std::getenv("HOME"))
    places.push_back(std::filesystem::path(home) / ".cache" / "candor" / file);
  for (const std::filesystem::path& place : places)
    if (std::filesystem::exists(place)) return place;
  return {};
}

}  // namespace candor::testing_support
