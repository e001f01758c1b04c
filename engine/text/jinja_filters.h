// The filters, by subject. Private to this folder.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/text/jinja_runtime.h"

namespace candor::text::jinja {

struct NamedFunction {
  std::string_view name;
  Function function;
};

/// Each: sorted by name.
const std::vector<NamedFunction>& sequence_filters();
const std::vector<NamedFunction>& text_filters();
const std::vector<NamedFunction>& value_filters();

/// json.dumps as transformers gives it to chat templates.
Object to_json_plain(Runtime& runtime, const Object& self, Arguments& arguments);
/// Jinja's own tojson: keys sorted, ASCII, safe within HTML.
Object to_json_html(Runtime& runtime, const Object& self, Arguments& arguments);
/// lm-evaluation-harness's regex_replace: re.sub(pattern, repl, value, count).
Object regex_replace(Runtime& runtime, const Object& self, Arguments& arguments);
Object format_as_pretty(Runtime& runtime, const Object& self, Arguments& arguments);

/// soft_str(): a text as it is, markup or not; all else as str() gives it.
Object soft_text(Runtime& runtime, const Object& object);

/// Python's list(), lower() and so on may be methods too: a text method applied to whatever was piped.
Object call_text_method(Runtime& runtime, std::string_view name, const Object& object, Arguments& arguments);

/// Looks up "a.b.0,c" as jinja2/filters.py does in make_attrgetter.
class AttributeGetter {
 public:
  /// @param attribute  none: the item itself.
  AttributeGetter(Runtime& runtime, const Object& attribute, std::optional<Object> otherwise = {});
  Object operator()(Runtime& runtime, Object item) const;

 private:
  std::vector<Object> parts_;
  std::optional<Object> otherwise_;
};

/// A generator whose items are computed when the first is asked for.
class LazyItems : public Iterator {
 public:
  using Compute = std::function<Objects(Runtime&)>;
  explicit LazyItems(Compute compute) : compute_(std::move(compute)) {}
  bool next(Runtime& runtime, Object& item) override;

 private:
  Compute compute_;
  Objects items_;
  std::size_t at_ = 0;
};

}  // namespace candor::text::jinja
