// The tests of `is`.
#include <algorithm>

#include "engine/text/jinja_filters.h"
#include "engine/text/python_unicode.h"

namespace candor::text::jinja {
namespace {

/// A test that takes the value alone.
template <bool (*holds)(Runtime&, const Object&)>
Object plain(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "test", arguments, {}, 0);
  return Object(holds(runtime, self));
}

template <Comparison comparison>
Object comparing(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "test", arguments, {"other"}, 1);
  return Object(compare(runtime, comparison, self, p[0]));
}

bool rest_is(Runtime& runtime, const Object& value, const Object& divisor, std::int64_t wanted) {
  const Object rest = arithmetic(runtime, Operation::kMod, value, divisor);
  return equals(runtime, rest, Object(wanted));
}

bool odd(Runtime& runtime, const Object& value) {
  return rest_is(runtime, value, Object(std::int64_t{2}), 1);
}
bool even(Runtime& runtime, const Object& value) {
  return rest_is(runtime, value, Object(std::int64_t{2}), 0);
}
bool defined(Runtime&, const Object& value) {
  return !value.is_undefined();
}
bool undefined(Runtime&, const Object& value) {
  return value.is_undefined();
}
bool none(Runtime&, const Object& value) {
  return value.is_none();
}
bool boolean(Runtime&, const Object& value) {
  return value.is(Kind::kBool);
}
bool is_false(Runtime&, const Object& value) {
  return value.is(Kind::kBool) && !value.boolean();
}
bool is_true(Runtime&, const Object& value) {
  return value.is(Kind::kBool) && value.boolean();
}
bool integer(Runtime&, const Object& value) {
  return value.is(Kind::kInteger);
}
bool real(Runtime&, const Object& value) {
  return value.is(Kind::kReal);
}
bool number(Runtime&, const Object& value) {
  return value.is_number();
}
bool string(Runtime&, const Object& value) {
  return value.is_text();
}
bool mapping(Runtime&, const Object& value) {
  return value.is_dict();
}
bool callable(Runtime&, const Object& value) {
  return is_callable(value);
}
bool marked_safe(Runtime&, const Object& value) {
  return value.is_text() && value.text().markup;
}
bool iterable(Runtime& runtime, const Object& value) {
  if (value.is_undefined() && value.undefined().strict) runtime.fail_undefined(value);
  return is_iterable(value);
}

/// Has len() and __getitem__; Jinja's undefined has both.
bool sequence(Runtime&, const Object& value) {
  return has_length(value) && !value.is(Kind::kView) && !value.is(Kind::kLoop);
}

bool text_method(Runtime& runtime, const Object& value, std::string_view name) {
  Arguments none_given;
  return find_method(Kind::kText, name)->function(runtime, runtime.text(to_str(runtime, value)), none_given).boolean();
}
bool lower_case(Runtime& runtime, const Object& value) {
  return text_method(runtime, value, "islower");
}
bool upper_case(Runtime& runtime, const Object& value) {
  return text_method(runtime, value, "isupper");
}

bool is_filter(Runtime& runtime, const Object& value) {
  hash(runtime, value);
  return value.is_text() && find_filter(value.text().bytes_utf8, runtime.options) != nullptr;
}
bool is_test(Runtime& runtime, const Object& value) {
  hash(runtime, value);
  return value.is_text() && find_test(value.text().bytes_utf8) != nullptr;
}

Object divisible_by(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "divisibleby", arguments, {"num"}, 1);
  return Object(rest_is(runtime, self, p[0], 0));
}

Object same_as(Runtime& runtime, const Object& self, Arguments& arguments) {
  const Parameters p(runtime, "sameas", arguments, {"other"}, 1);
  if (self.kind() != p[0].kind()) return Object(false);
  if (self.is_none()) return Object(true);
  if (self.is_number()) return Object(equals(runtime, self, p[0]));
  return Object(self.thing() == p[0].thing());
}

const std::vector<NamedFunction>& tests() {
  static const std::vector<NamedFunction> kTests = {
      {"!=", comparing<Comparison::kNe>},
      {"<", comparing<Comparison::kLt>},
      {"<=", comparing<Comparison::kLe>},
      {"==", comparing<Comparison::kEq>},
      {">", comparing<Comparison::kGt>},
      {">=", comparing<Comparison::kGe>},
      {"boolean", plain<boolean>},
      {"callable", plain<callable>},
      {"defined", plain<defined>},
      {"divisibleby", divisible_by},
      {"eq", comparing<Comparison::kEq>},
      {"equalto", comparing<Comparison::kEq>},
      {"escaped", plain<marked_safe>},
      {"even", plain<even>},
      {"false", plain<is_false>},
      {"filter", plain<is_filter>},
      {"float", plain<real>},
      {"ge", comparing<Comparison::kGe>},
      {"greaterthan", comparing<Comparison::kGt>},
      {"gt", comparing<Comparison::kGt>},
      {"in", comparing<Comparison::kIn>},
      {"integer", plain<integer>},
      {"iterable", plain<iterable>},
      {"le", comparing<Comparison::kLe>},
      {"lessthan", comparing<Comparison::kLt>},
      {"lower", plain<lower_case>},
      {"lt", comparing<Comparison::kLt>},
      {"mapping", plain<mapping>},
      {"ne", comparing<Comparison::kNe>},
      {"none", plain<none>},
      {"number", plain<number>},
      {"odd", plain<odd>},
      {"sameas", same_as},
      {"sequence", plain<sequence>},
      {"string", plain<string>},
      {"test", plain<is_test>},
      {"true", plain<is_true>},
      {"undefined", plain<undefined>},
      {"upper", plain<upper_case>},
  };
  return kTests;
}

}  // namespace

Function find_test(std::string_view name) {
  const auto found = std::lower_bound(tests().begin(), tests().end(), name,
                                      [](const NamedFunction& entry, std::string_view n) { return entry.name < n; });
  return found != tests().end() && found->name == name ? found->function : nullptr;
}

bool call_test(Runtime& runtime, std::string_view name, const Object& value, Arguments& arguments) {
  const Function function = find_test(name);
  if (function == nullptr) runtime.fail(TemplateError::Kind::kRaised, "No test named " + text_repr(name) + ".");
  return function(runtime, value, arguments).boolean();
}

}  // namespace candor::text::jinja
