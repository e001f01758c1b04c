#include <unicode/uscript.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "scoring/normalize.h"

namespace candor::scoring {

std::vector<std::pair<std::string, double>> script_shares(std::string_view text) {
  std::vector<std::int64_t> counts(USCRIPT_CODE_LIMIT, 0);
  std::int64_t total = 0;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  const auto size = static_cast<std::int64_t>(text.size());
  for (std::int64_t at = 0; at < size;) {
    UChar32 c;
    U8_NEXT_OR_FFFD(bytes, at, size, c);
    UErrorCode status = U_ZERO_ERROR;
    const UScriptCode script = uscript_getScript(c, &status);
    CANDOR_CHECK(U_SUCCESS(status) && script >= 0 && script < USCRIPT_CODE_LIMIT, "ICU names a script");
    if (script == USCRIPT_COMMON || script == USCRIPT_INHERITED || script == USCRIPT_UNKNOWN) continue;
    ++counts[static_cast<std::size_t>(script)];
    ++total;
  }
  std::vector<std::pair<std::int64_t, std::string>> found;
  for (std::size_t script = 0; script < counts.size(); ++script)
    if (counts[script] > 0) found.emplace_back(counts[script], uscript_getName(static_cast<UScriptCode>(script)));
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
  std::vector<std::pair<std::string, double>> shares;
  shares.reserve(found.size());
  for (auto& [count, name] : found)
    shares.emplace_back(std::move(name), static_cast<double>(count) / static_cast<double>(total));
  return shares;
}

}  // namespace candor::scoring
