#include "harness/line_job.h"

#include <algorithm>
#include <iostream>
#include <iterator>

#include "base/file.h"
#include "base/utf8.h"

namespace candor::harness {

void read_repaired_json_lines(const std::string& path,
                              const std::function<void(Value, const std::string& where)>& use) {
  const bool standard_input = path == "-";
  const std::string name = standard_input ? "standard input" : path;
  const std::string text = standard_input ? std::string(std::istreambuf_iterator<char>(std::cin), {}) : read_file(path);
  std::size_t number = 1;
  for (std::size_t from = 0; from < text.size(); ++number) {
    const std::size_t to = std::min(text.find('\n', from), text.size());
    const std::string line = repair_utf8(std::string_view(text).substr(from, to - from));
    from = to + 1;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string where = name + ":" + std::to_string(number);
    use(parse_json(line, where), where);
  }
}

}  // namespace candor::harness
