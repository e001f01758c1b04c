#include "base/error.h"
#include "scoring/embedded.h"

namespace candor::scoring {

std::string_view embedded_file(std::string_view name) {
  for (const EmbeddedFile& file : embedded_files())
    if (file.name == name) return file.content;
  CANDOR_CHECK(false, "a rule file that the program carries");
  return {};
}

}  // namespace candor::scoring
