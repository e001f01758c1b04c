#include "harness/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

extern char** environ;

namespace candor::harness {
namespace {

constexpr std::size_t kKeptBytes = 4096;

[[noreturn]] void fail(const std::string& program, int error) {
  throw Error(ErrorKind::kCannotRun, program, std::string("cannot be started: ") + std::strerror(error));
}

class FileActions {
 public:
  FileActions() { posix_spawn_file_actions_init(&actions_); }
  FileActions(const FileActions&) = delete;
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

std::string read_tail(int descriptor) {
  std::string text;
  char block[1024];
  for (;;) {
    const ssize_t count = ::read(descriptor, block, sizeof block);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return text;
    text.append(block, static_cast<std::size_t>(count));
    if (text.size() > kKeptBytes) text.erase(0, text.size() - kKeptBytes);
  }
}

int wait_for(pid_t process) {
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

ProcessResult run_process(const std::vector<std::string>& arguments) {
  CANDOR_CHECK(!arguments.empty(), "a program is needed");
  int pipe_ends[2];
  if (::pipe2(pipe_ends, O_CLOEXEC) != 0) fail(arguments[0], errno);
  FileActions actions;
  posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(actions.get(), STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(actions.get(), pipe_ends[1], STDERR_FILENO);

  std::vector<char*> values;
  for (const std::string& argument : arguments) values.push_back(const_cast<char*>(argument.c_str()));
  values.push_back(nullptr);
  pid_t process = 0;
  const int error = ::posix_spawnp(&process, values[0], actions.get(), nullptr, values.data(), environ);
  ::close(pipe_ends[1]);
  if (error != 0) {
    ::close(pipe_ends[0]);
    if (error == ENOENT) return {.exit_code = 127, .errors = arguments[0] + ": not found"};
    fail(arguments[0], error);
  }
  ProcessResult result;
  result.errors = read_tail(pipe_ends[0]);
  ::close(pipe_ends[0]);
  result.exit_code = wait_for(process);
  return result;
}

}  // namespace candor::harness
