#include "harness/store_options.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace candor::harness {

void declare_store(Arguments& arguments, std::string& database) {
  arguments.add({.names = "--db",
                 .help = "The store, an SQLite file (default " + std::string(kDefaultStore) + ")",
                 .value = "FILE"},
                database);
}

results::Style table_style() {
  results::Style style;
  if (::isatty(STDOUT_FILENO) != 1) return style;
  style.colour = std::getenv("NO_COLOR") == nullptr;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40) style.columns = size.ws_col;
  return style;
}

}  // namespace candor::harness
