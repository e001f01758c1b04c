// A folder for a test's files, and small rows to fill a store with.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/error.h"
#include "results/store.h"

namespace candor::results {

/// Goes with all that is in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "candor_results_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string file(const std::string& name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline Manifest small_manifest() {
  return {.kind = "run",
          .model = "tiny",
          .model_path = "tiny.gguf",
          .model_fingerprint = "f1",
          .names = Value::List{"arc"},
          .options = Dict{{"limit", 20}, {"seed", 1234}},
          .data = Dict{{"arc.jsonl", "aa"}},
          .machine = Dict{{"threads", 2}},
          .notes = Value::List{"3 prompts were cut"},
          .version = "0.1.0"};
}

/// The message of the Error that `action` throws, or "".
template <typename Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace candor::results
