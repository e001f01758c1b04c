// Data files that are part of the program.
#pragma once

#include <span>
#include <string_view>

namespace candor {

struct EmbeddedFile {
  std::string_view name;     ///< Relative to its folder: "tasks/gsm8k.yaml".
  std::string_view content;  ///< Lives as long as the program.
};

}  // namespace candor
