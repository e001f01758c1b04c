#include "engine/text/jinja_runtime.h"

#include <algorithm>

#include "base/utf8.h"
#include "engine/text/python.h"
#include "engine/text/python_unicode.h"

namespace candor::text::jinja {
namespace {

/// Deeper values could exhaust the stack when they are printed, compared or destroyed; Python's own limit on recursion
/// is the same.
constexpr int kMaxDepth = 1000;

}  // namespace

void Runtime::fail(TemplateError::Kind kind, const std::string& message) const {
  throw TemplateError(kind, message, line);
}

void Runtime::type_error(const std::string& message) const {
  fail(TemplateError::Kind::kType, "TypeError: " + message);
}

void Runtime::value_error(const std::string& message) const {
  fail(TemplateError::Kind::kType, "ValueError: " + message);
}

void Runtime::overflow() const {
  fail(TemplateError::Kind::kLimit, "integer does not fit into 64 bits");
}

void Runtime::fail_undefined(const Object& undefined) const {
  fail(undefined.undefined().error, undefined.undefined().message());
}

void Runtime::fail_steps() const {
  fail(TemplateError::Kind::kLimit,
       "template needs more than " + std::to_string(limits.max_steps) + " steps of evaluation");
}

void Runtime::check_size(std::uint64_t bytes) const {
  if (bytes > limits.max_bytes || used_bytes_ + bytes > limits.max_bytes)
    fail(TemplateError::Kind::kLimit,
         "template needs more than " + std::to_string(limits.max_bytes) + " bytes of memory");
}

void Runtime::charge(Thing& thing, std::size_t bytes) {
  check_size(bytes);
  thing.account = this;
  thing.bytes += bytes;
  used_bytes_ += bytes;
}

void Runtime::nest(Thing& thing, const Object& part) const {
  thing.depth = std::max(thing.depth, part.depth() + 1);
  if (thing.depth > kMaxDepth) fail(TemplateError::Kind::kRecursion, "maximum recursion depth exceeded");
}

Object Runtime::text(std::string bytes, bool markup) {
  step(bytes.size() / 64);
  auto text = make<Text>(bytes.size());
  text->length = count_code_points(bytes);
  text->bytes_utf8 = std::move(bytes);
  text->markup = markup;
  return Object(Kind::kText, std::move(text));
}

Object Runtime::sequence(Kind kind, Objects items) {
  auto sequence = make<Sequence>(items.size() * sizeof(Object));
  for (const Object& item : items) nest(*sequence, item);
  sequence->items = std::move(items);
  return Object(kind, std::move(sequence));
}

Object Runtime::list(Objects items) {
  return sequence(Kind::kList, std::move(items));
}

Object Runtime::tuple(Objects items) {
  return sequence(Kind::kTuple, std::move(items));
}

Object Runtime::dict(std::vector<Entry> items) {
  // Two words per entry for the index.
  auto dict = make<Mapping>(items.size() * (sizeof(Entry) + 2 * sizeof(std::size_t)));
  for (Entry& entry : items) {
    nest(*dict, entry.first);
    nest(*dict, entry.second);
    dict->set(*this, std::move(entry.first), std::move(entry.second));
  }
  return Object(Kind::kDict, std::move(dict));
}

Object Runtime::undefined(std::string hint) {
  auto undefined = make<Undefined>();
  undefined->hint = std::move(hint);
  undefined->strict = options.strict_undefined;
  return Object(Kind::kUndefined, std::move(undefined));
}

Object Runtime::undefined_variable(std::string_view name) {
  auto undefined = make<Undefined>();
  undefined->name = text_repr(name);
  undefined->strict = options.strict_undefined;
  return Object(Kind::kUndefined, std::move(undefined));
}

Object Runtime::undefined_member(const Object& object, const Object& key) {
  auto undefined = make<Undefined>();
  undefined->name = to_repr(*this, key);
  undefined->name_is_text = key.is_text();
  undefined->object_type = object_type_repr(object);
  undefined->strict = options.strict_undefined;
  return Object(Kind::kUndefined, std::move(undefined));
}

Object Runtime::unsafe_member(const Object& object, std::string_view name) {
  auto undefined = make<Undefined>();
  undefined->hint =
      "access to attribute " + text_repr(name) + " of '" + std::string(type_name(object)) + "' object is unsafe.";
  undefined->strict = options.strict_undefined;
  undefined->error = TemplateError::Kind::kSecurity;
  return Object(Kind::kUndefined, std::move(undefined));
}

Object Runtime::function(std::string_view name, Function code, Object self) {
  auto value = make<FunctionValue>();
  nest(*value, self);
  value->name = name;
  value->function = code;
  value->self = std::move(self);
  return Object(Kind::kFunction, std::move(value));
}

Object Runtime::iterator(std::shared_ptr<Iterator> iterator, const Object& source) {
  nest(*iterator, source);
  return Object(Kind::kIterator, std::move(iterator));
}

Object Runtime::name_space(std::vector<std::pair<std::string, Object>> members) {
  auto made = make<Namespace>(members.size() * sizeof members.front());
  made->members = std::move(members);
  namespaces_.push_back(made);
  return Object(Kind::kNamespace, std::move(made));
}

Object Runtime::from_value(const Value& value) {
  step();
  switch (value.kind()) {
    case Value::Kind::kNull:
      return {};
    case Value::Kind::kBool:
      return Object(value.boolean());
    case Value::Kind::kInteger:
      return Object(value.integer());
    case Value::Kind::kReal:
      return Object(value.real());
    case Value::Kind::kText:
      return text(is_utf8(value.text()) ? value.text() : repair_utf8(value.text()));
    case Value::Kind::kList: {
      Objects items;
      items.reserve(value.list().size());
      for (const Value& item : value.list()) items.push_back(from_value(item));
      return list(std::move(items));
    }
    case Value::Kind::kDict: {
      std::vector<Entry> items;
      items.reserve(value.dict().size());
      for (const Member& member : value.dict())
        items.emplace_back(from_value(Value(member.key)), from_value(member.value));
      return dict(std::move(items));
    }
  }
  return {};
}

Parameters::Parameters(Runtime& runtime, std::string_view function, Arguments& arguments,
                       std::initializer_list<std::string_view> names, std::size_t required)
    : runtime_(runtime), function_(function) {
  const std::string call = std::string(function) + "()";
  if (arguments.positional.size() > names.size())
    runtime.type_error(call + " takes at most " + std::to_string(names.size()) + " arguments (" +
                       std::to_string(arguments.positional.size()) + " given)");
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) {
    values_[i] = std::move(arguments.positional[i]);
    given_[i] = true;
  }
  for (auto& [name, value] : arguments.named) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) runtime.type_error(call + " got an unexpected keyword argument '" + name + "'");
    const auto i = static_cast<std::size_t>(found - names.begin());
    if (given_[i]) runtime.type_error(call + " got multiple values for argument '" + name + "'");
    values_[i] = std::move(value);
    given_[i] = true;
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (given_[i]) continue;
    std::string_view name = names.begin()[i];
    if (!name.empty() && name[0] == '/') name.remove_prefix(1);
    runtime.type_error(call + " missing required argument '" + std::string(name) + "'");
  }
}

bool Parameters::truth(std::size_t i, bool otherwise) const {
  return given_[i] ? jinja::truth(runtime_, values_[i]) : otherwise;
}

std::int64_t Parameters::integer(std::size_t i, std::int64_t otherwise) const {
  if (!given_[i]) return otherwise;
  if (values_[i].is_whole()) return values_[i].integer();
  if (values_[i].is_undefined()) runtime_.fail_undefined(values_[i]);
  runtime_.type_error("'" + std::string(type_name(values_[i])) + "' object cannot be interpreted as an integer");
}

const std::string& Parameters::text(std::size_t i) const {
  if (values_[i].is_text()) return values_[i].text().bytes_utf8;
  runtime_.type_error(std::string(function_) + "() argument " + std::to_string(i + 1) + " must be str, not " +
                      std::string(type_name(values_[i])));
}

}  // namespace candor::text::jinja
