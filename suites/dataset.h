// Local data files as rows of named columns.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/value.h"
#include "suites/suites.h"

namespace candor::suites {

/// What a task file says of its data.
struct DataSource {
  std::string path;      ///< dataset_path: "json", "csv", "text", or the name of a published data set.
  std::string name;      ///< dataset_name; may be empty.
  Value kwargs;          ///< dataset_kwargs, or null.
  std::string data_dir;  ///< Paths are relative to it.
  bool shipped = false;  ///< The task is part of the program: its own data are looked up there first.
  std::string where;     ///< For messages: the task file.
};

struct Split {
  std::string name;
  std::vector<std::string> columns;  ///< In the order of first appearance.
  std::vector<Dict> rows;            ///< Each with all columns: absent ones are null.
  bool text_cells = false;           ///< From CSV or text: every value is text.
  std::vector<DataFile> files;
  std::vector<std::string> notes;

  bool has_column(const std::string& column) const;
};

/// @throws Error{kBadInput} naming the file and line, or the missing file and how to name its folder.
Split load_split(const DataSource& source, const std::string& split);

/// Gives every row all keys that any row has, null where absent, at every depth and in one order, as typed columns do.
/// @throws Error{kBadInput} naming `where` if that would make millions of nulls.
void unify_rows(std::vector<Dict>& rows, std::vector<std::string>& columns, const std::string& where);

}  // namespace candor::suites
