// What a task file's doc_to_text, doc_to_target and doc_to_choice make of a document.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/value.h"
#include "engine/text/jinja.h"
#include "suites/task_config.h"

namespace candor::suites {

struct DocumentRef {
  const Dict& columns;
  std::string_view split;  ///< For messages.
  std::size_t number;      ///< From 0, in its split.
};

/// Templates are compiled once and kept: one reader serves one thread.
class DocumentReader {
 public:
  /// @param columns     of the evaluated split: a value equal to one of them means that column.
  /// @param choices_set whether the task has doc_to_choice: then a number is an index.
  /// @param text_cells  data whose cells are all text: a column of digits is an index too, where one is expected.
  DocumentReader(std::vector<std::string> columns, bool choices_set, bool text_cells, std::string file);

  /// An integer (an index of choices), a text, or whatever a column holds.
  Value text(const DocumentRef& document, const Value& doc_to_text);
  Value target(const DocumentRef& document, const Value& doc_to_target);
  /// @throws Error{kBadInput} if they are not texts.
  std::vector<std::string> choices(const DocumentRef& document, const Value& doc_to_choice);
  /// A column, else a template; empty for an empty source.
  std::string field(const DocumentRef& document, const std::string& key, const std::string& source);

  Error error(const DocumentRef& document, std::string_view key, const std::string& what,
              const std::string& remedy = {}) const;

 private:
  const Value* column(const DocumentRef& document, std::string_view key, const std::string& name) const;
  std::string render(const DocumentRef& document, std::string_view key, const std::string& source);
  Value index_or_text(const DocumentRef& document, std::string_view key, std::string text) const;
  Value raw(const Value& value) const;

  std::vector<std::string> columns_;
  bool choices_set_, text_cells_;
  std::string file_;
  std::map<std::string, text::Template, std::less<>> templates_;
};

}  // namespace candor::suites
