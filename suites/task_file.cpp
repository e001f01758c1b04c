#include "suites/task_file.h"

#include <filesystem>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "suites/embedded.h"

namespace candor::suites {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLimitBytes = 64 << 20;

std::string read(const std::string& path) {
  if (!path.starts_with(kShippedPrefix)) return read_file(path, kLimitBytes);
  const EmbeddedFile* file = find_embedded(std::string_view(path).substr(kShippedPrefix.size()));
  if (file == nullptr) throw Error(ErrorKind::kBadInput, path, "is not part of the program");
  return std::string(file->content);
}

std::string beside(const std::string& path, const std::string& other) {
  if (fs::path(other).is_absolute()) return other;
  return (fs::path(path).parent_path() / other).lexically_normal().string();
}

TaskFile load(const std::string& path, std::set<std::string>& seen) {
  if (!seen.insert(fs::path(path).lexically_normal().string()).second)
    throw Error(ErrorKind::kBadInput, path, "is included twice", "remove one include");
  Value content = parse_yaml(read(path), path);
  if (!content.is_dict())
    throw Error(ErrorKind::kBadInput, path,
                "expected keys and values, found " + std::string(kind_name(content.kind())));
  TaskFile file{.path = path, .keys = {}, .origins = {}, .shipped = path.starts_with(kShippedPrefix)};
  Dict own = std::move(content.dict());
  if (const Value* include = own.find("include")) {
    const Value::List names = include->is_list() ? include->list() : Value::List{*include};
    for (const Value& name : names) {
      if (!name.is_text())
        throw Error(ErrorKind::kBadInput, path + ":" + std::to_string(include->line()), "'include' must name a file");
      TaskFile included = load(beside(path, name.text()), seen);
      included.keys.erase("task_list");
      for (Member& member : included.keys) {
        file.origins[member.key] = included.origins[member.key];
        file.keys.set(member.key, std::move(member.value));
      }
    }
    own.erase("include");
  }
  for (Member& member : own) {
    file.origins[member.key] = path;
    file.keys.set(member.key, std::move(member.value));
  }
  return file;
}

}  // namespace

std::string TaskFile::place(const std::string& key) const {
  const auto origin = origins.find(key);
  std::string place = origin == origins.end() ? path : origin->second;
  const Value* value = keys.find(key);
  if (value != nullptr && value->line() > 0) place += ":" + std::to_string(value->line());
  return place;
}

TaskFile load_task_file(const std::string& path) {
  std::set<std::string> seen;
  return load(path, seen);
}

std::string function_in(const Value& value) {
  if (value.is_list()) {
    for (const Value& item : value.list())
      if (std::string name = function_in(item); !name.empty()) return name;
  } else if (value.is_dict()) {
    if (const Value* name = value.find("!function"); name != nullptr && value.dict().size() == 1)
      return name->is_text() ? name->text() : "?";
    for (const Member& member : value.dict())
      if (std::string name = function_in(member.value); !name.empty()) return name;
  }
  return {};
}

}  // namespace candor::suites
