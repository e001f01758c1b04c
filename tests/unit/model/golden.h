// Where the golden checkpoints lie, and files that tests write.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace candor::model {

/// Folder of a golden checkpoint, of this repository or else of the shared data; the file in it where that is GGUF.
inline std::filesystem::path golden(const std::string& name) {
  const char* shared = std::getenv("CANDOR_SHARED");
  const std::filesystem::path root =
      shared != nullptr ? std::filesystem::path(shared) : std::filesystem::path(CANDOR_SOURCE_DIR) / ".." / "shared";
  std::filesystem::path folder = std::filesystem::path(CANDOR_SOURCE_DIR) / "tests" / "golden" / name;
  if (!std::filesystem::exists(folder)) folder = root / "golden" / name;
  std::error_code error;
  if (name.starts_with("gguf_"))
    for (const auto& entry : std::filesystem::directory_iterator(folder, error))
      if (entry.path().extension() == ".gguf") return entry.path();
  return folder;
}

#define SKIP_WITHOUT_GOLDEN(name)                                                               \
  if (!std::filesystem::exists(golden(name))) {                                                 \
    GTEST_SKIP() << name << " was not checked: shared/golden is not there (set CANDOR_SHARED)"; \
  }

/// A folder of its own for each test, removed afterwards.
class Scratch {
 public:
  Scratch() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    std::string name =
        std::string("candor-") + test->test_suite_name() + "-" + test->name() + "-" + std::to_string(::getpid());
    for (char& c : name)
      if (c == '/') c = '-';
    path_ = std::filesystem::temp_directory_path() / name;
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~Scratch() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }

  const std::filesystem::path& path() const { return path_; }
  std::string write(const std::string& name, std::string_view bytes) const {
    const std::filesystem::path file = path_ / name;
    std::ofstream(file, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return file.string();
  }

 private:
  std::filesystem::path path_;
};

inline std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace candor::model
