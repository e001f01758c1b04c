// The methods of texts, for the table of all methods. Private to this folder.
#pragma once

#include <span>

#include "engine/text/jinja_runtime.h"

namespace candor::text::jinja {

std::span<const Method> text_methods();

}  // namespace candor::text::jinja
