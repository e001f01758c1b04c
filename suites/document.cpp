#include "suites/document.h"

#include <algorithm>

#include "engine/text/python.h"

namespace candor::suites {

DocumentReader::DocumentReader(std::vector<std::string> columns, bool choices_set, bool text_cells, std::string file)
    : columns_(std::move(columns)), choices_set_(choices_set), text_cells_(text_cells), file_(std::move(file)) {}

Error DocumentReader::error(const DocumentRef& document, std::string_view key, const std::string& what,
                            const std::string& remedy) const {
  return Error(ErrorKind::kBadInput,
               file_ + ": " + std::string(key) + ", document " + std::to_string(document.number) + " of '" +
                   std::string(document.split) + "'",
               what, remedy);
}

const Value* DocumentReader::column(const DocumentRef& document, std::string_view key, const std::string& name) const {
  if (std::ranges::find(columns_, name) == columns_.end()) return nullptr;
  const Value* value = document.columns.find(name);
  if (value == nullptr) throw error(document, key, "has no column '" + name + "'");
  return value;
}

std::string DocumentReader::render(const DocumentRef& document, std::string_view key, const std::string& source) {
  try {
    auto found = templates_.find(source);
    if (found == templates_.end())
      found = templates_.emplace(source, text::Template(source, text::task_template_options())).first;
    return found->second.render(document.columns);
  } catch (const text::TemplateError& problem) {
    throw error(document, key, std::string("the template fails: ") + problem.what());
  }
}

/// Python's `isdigit` and `literal_eval` of a rendered text. Digits that are no Python number (007, ²) crash the
/// reference; a guess would score another choice.
Value DocumentReader::index_or_text(const DocumentRef& document, std::string_view key, std::string text) const {
  if (!choices_set_ || !text::is_digit(text)) return text;
  std::optional<Value> index = text::literal_eval(text);
  if (!index || !index->is_integer())
    throw error(document, key, "gives '" + text + "', which looks like a number and is none",
                "make the template give an index or a text");
  return *std::move(index);
}

Value DocumentReader::raw(const Value& value) const {
  if (value.is_bool()) return value.boolean() ? 1 : 0;  // bool is an int in Python
  return value;
}

Value DocumentReader::text(const DocumentRef& document, const Value& doc_to_text) {
  if (!doc_to_text.is_text()) return raw(doc_to_text);
  if (const Value* value = column(document, "doc_to_text", doc_to_text.text())) return raw(*value);
  return index_or_text(document, "doc_to_text", render(document, "doc_to_text", doc_to_text.text()));
}

Value DocumentReader::target(const DocumentRef& document, const Value& doc_to_target) {
  if (!doc_to_target.is_text()) return raw(doc_to_target);
  if (const Value* value = column(document, "doc_to_target", doc_to_target.text()))
    return text_cells_ && value->is_text() ? index_or_text(document, "doc_to_target", value->text()) : raw(*value);
  std::string rendered = render(document, "doc_to_target", doc_to_target.text());
  if (rendered.size() >= 2 && rendered.front() == '[' && rendered.back() == ']') {
    std::optional<Value> list = text::literal_eval(rendered);
    return list ? *std::move(list) : Value(std::move(rendered));
  }
  return index_or_text(document, "doc_to_target", std::move(rendered));
}

std::vector<std::string> DocumentReader::choices(const DocumentRef& document, const Value& doc_to_choice) {
  constexpr const char* kKey = "doc_to_choice";
  Value list = doc_to_choice;
  if (doc_to_choice.is_dict()) {
    Value::List values;
    for (const Member& member : doc_to_choice.dict()) values.push_back(member.value);
    list = std::move(values);
  } else if (doc_to_choice.is_text()) {
    if (const Value* value = column(document, kKey, doc_to_choice.text())) {
      list = *value;
    } else {
      const std::string rendered = render(document, kKey, doc_to_choice.text());
      std::optional<Value> read = text::literal_eval(rendered);
      if (!read)
        throw error(document, kKey, "the template gives no Python list: " + rendered.substr(0, 100),
                    "print a list, for example {{[a, b]}}");
      list = *std::move(read);
    }
  }
  if (!list.is_list()) throw error(document, kKey, "gives " + std::string(kind_name(list.kind())) + ", not a list");
  std::vector<std::string> texts;
  for (const Value& choice : list.list()) {
    if (!choice.is_text())
      throw error(document, kKey, "a choice is " + std::string(kind_name(choice.kind())) + ", not text",
                  "put it in quotes, or convert it with |string");
    texts.push_back(choice.text());
  }
  if (texts.empty()) throw error(document, kKey, "gives no choices");
  return texts;
}

std::string DocumentReader::field(const DocumentRef& document, const std::string& key, const std::string& source) {
  if (source.empty()) return {};
  if (const Value* value = document.columns.find(source)) {
    if (value->is_null()) return {};
    if (!value->is_text()) throw error(document, key, "column '" + source + "' is not text");
    return value->text();
  }
  return render(document, key, source);
}

}  // namespace candor::suites
