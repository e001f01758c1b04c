// The reference data that tokenizers are tested against.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "engine/text/tokenizer.h"

namespace candor::text::golden {

inline std::filesystem::path shared_folder() {
  if (const char* folder = std::getenv("CANDOR_SHARED")) return folder;
  return std::filesystem::path(CANDOR_SOURCE_DIR) / ".." / "shared";
}

inline std::vector<TokenId> ids_of(const Value& list) {
  std::vector<TokenId> ids;
  for (const Value& id : list.list()) ids.push_back(static_cast<TokenId>(id.integer()));
  return ids;
}

inline Tokenizer load(const std::filesystem::path& folder, bool with_config = false) {
  TokenizerConfig config;
  if (with_config)
    config = parse_tokenizer_config(read_file((folder / "tokenizer_config.json").string()), "tokenizer_config.json");
  return Tokenizer::from_json(read_file((folder / "tokenizer.json").string()), "tokenizer.json", config);
}

/// Folders below `folder` that hold `file`, sorted by name.
inline std::vector<std::filesystem::path> folders_with(const std::filesystem::path& folder, const char* file) {
  std::vector<std::filesystem::path> found;
  std::error_code absent;
  for (const auto& entry : std::filesystem::directory_iterator(folder, absent))
    if (std::filesystem::exists(entry.path() / file)) found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace candor::text::golden
