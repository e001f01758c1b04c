// Errors that the user or the machine is to blame for, and checks for those that we are.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace candor {

/// What is at fault; the number is the exit code of the program.
enum class ErrorKind {
  kUsage = 2,      ///< The command line.
  kBadInput = 3,   ///< A file: model, task, data, requests, store.
  kCannotRun = 4,  ///< The machine: memory, disk, network, permissions.
};

/// An error for the user: one line that names the place, what is wrong with it, and the remedy.
/// Thrown anywhere; only main catches it.
class Error : public std::runtime_error {
 public:
  /// @param where   file and place in it ("model.gguf: tensor 'blk.0.attn_q.weight'", "requests.jsonl:12").
  /// @param what    what is wrong, with the values that show it.
  /// @param remedy  what the user can do; may be empty.
  Error(ErrorKind kind, std::string_view where, std::string_view what, std::string_view remedy = {});

  ErrorKind kind() const noexcept { return kind_; }
  int exit_code() const noexcept { return static_cast<int>(kind_); }

 private:
  ErrorKind kind_;
};

/// Prints the failed condition and aborts: half-right numbers are worse than none.
[[noreturn]] void check_failed(const char* file, int line, const char* condition, std::string_view message);

}  // namespace candor

/// A condition that only a defect of this program can break. Always on; use at the edges of modules.
#define CANDOR_CHECK(condition, message) \
  (static_cast<bool>(condition) ? void(0) : ::candor::check_failed(__FILE__, __LINE__, #condition, (message)))

/// The same for inner loops: only in debug builds.
#ifdef NDEBUG
#define CANDOR_DCHECK(condition, message) void(0)
#else
#define CANDOR_DCHECK(condition, message) CANDOR_CHECK(condition, message)
#endif
