// str() and repr() of values.
#include "engine/text/jinja_ast.h"
#include "engine/text/jinja_runtime.h"
#include "engine/text/python.h"
#include "engine/text/python_unicode.h"

namespace candor::text::jinja {
namespace {

/// Namespaces within namespaces that repr() shows.
constexpr int kMaxNamespaces = 100;

void append_repr(Runtime& runtime, std::string& out, const Object& object);

void append_items(Runtime& runtime, std::string& out, const Objects& items) {
  bool first = true;
  for (const Object& item : items) {
    if (!first) out += ", ";
    first = false;
    append_repr(runtime, out, item);
  }
}

void append_dict(Runtime& runtime, std::string& out, const Mapping& dict) {
  out += "{";
  bool first = true;
  for (const auto& [key, value] : dict.items) {
    if (!first) out += ", ";
    first = false;
    append_repr(runtime, out, key);
    out += ": ";
    append_repr(runtime, out, value);
  }
  out += "}";
}

void append_view(Runtime& runtime, std::string& out, const Object& object) {
  out += std::string(type_name(object)) + "([";
  append_items(runtime, out, to_items(runtime, object));
  out += "])";
}

void append_range(std::string& out, const Range& range) {
  out += "range(" + std::to_string(range.start) + ", " + std::to_string(range.stop);
  if (range.step != 1) out += ", " + std::to_string(range.step);
  out += ")";
}

void append_namespace(Runtime& runtime, std::string& out, const Namespace& name_space) {
  // One that holds itself would be printed without end.
  if (++runtime.printed_namespaces > kMaxNamespaces)
    runtime.fail(TemplateError::Kind::kRecursion, "maximum recursion depth exceeded");
  std::vector<Entry> members;
  for (const auto& [name, value] : name_space.members) members.emplace_back(runtime.text(name), value);
  out += "<Namespace ";
  append_dict(runtime, out, runtime.dict(std::move(members)).dict());
  out += ">";
  --runtime.printed_namespaces;
}

void append_repr(Runtime& runtime, std::string& out, const Object& object) {
  runtime.step();
  runtime.check_size(out.size());
  switch (object.kind()) {
    case Kind::kUndefined:
      out += "Undefined";  // even a strict one: Jinja leaves __repr__ alone
      return;
    case Kind::kNone:
      out += "None";
      return;
    case Kind::kBool:
      out += object.boolean() ? "True" : "False";
      return;
    case Kind::kInteger:
      out += std::to_string(object.integer());
      return;
    case Kind::kReal:
      out += float_repr(object.real());
      return;
    case Kind::kText:
      runtime.step(object.text().bytes_utf8.size() / 16);
      if (object.text().markup) {
        out += "Markup(" + text_repr(object.text().bytes_utf8) + ")";
      } else {
        out += text_repr(object.text().bytes_utf8);
      }
      return;
    case Kind::kList:
      out += "[";
      append_items(runtime, out, object.sequence().items);
      out += "]";
      return;
    case Kind::kTuple:
      out += "(";
      append_items(runtime, out, object.sequence().items);
      out += object.sequence().items.size() == 1 ? ",)" : ")";
      return;
    case Kind::kDict:
      append_dict(runtime, out, object.dict());
      return;
    case Kind::kView:
      append_view(runtime, out, object);
      return;
    case Kind::kRange:
      append_range(out, object.range());
      return;
    case Kind::kNamespace:
      append_namespace(runtime, out, object.name_space());
      return;
    case Kind::kMacro: {
      const std::string& title = object.macro().macro->title;
      out += "<Macro " + (title.empty() ? "anonymous" : text_repr(title)) + ">";
      return;
    }
    case Kind::kLoop:
      out += "<LoopContext " + std::to_string(object.loop().index0 + 1) + "/" +
             std::to_string(object.loop().length(runtime)) + ">";
      return;
    case Kind::kFunction:
      out += "<function " + std::string(object.function().name) + ">";
      return;
    case Kind::kIterator:
    case Kind::kCycler:
    case Kind::kJoiner:
      out += "<" + std::string(type_name(object)) + " object>";  // Python adds its address
      return;
  }
}

}  // namespace

std::string to_repr(Runtime& runtime, const Object& object) {
  std::string out;
  append_repr(runtime, out, object);
  return out;
}

std::string to_str(Runtime& runtime, const Object& object) {
  std::string out;
  append_str(runtime, out, object);
  return out;
}

void append_str(Runtime& runtime, std::string& out, const Object& object) {
  if (object.is_text()) {
    runtime.step(object.text().bytes_utf8.size() / 64);
    out += object.text().bytes_utf8;
  } else if (object.is_undefined()) {
    if (object.undefined().strict) runtime.fail_undefined(object);
  } else {
    append_repr(runtime, out, object);
  }
}

}  // namespace candor::text::jinja
