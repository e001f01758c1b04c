#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "base/error.h"
#include "base/fields.h"
#include "suites/embedded.h"
#include "suites/group.h"
#include "suites/suites.h"
#include "suites/task_config.h"
#include "suites/task_file.h"
#include "suites/task_state.h"

namespace candor::suites {
namespace {

namespace fs = std::filesystem;

constexpr int kMaxDepth = 50;

std::vector<std::string> texts_of(const Value* value) {
  std::vector<std::string> texts;
  if (value == nullptr) return texts;
  if (value->is_text()) texts.push_back(value->text());
  if (value->is_list())
    for (const Value& item : value->list())
      if (item.is_text()) texts.push_back(item.text());
  return texts;
}

/// *.yaml below a folder, in the order of their paths.
std::vector<std::string> yaml_files(const fs::path& folder) {
  std::vector<std::string> files;
  std::error_code problem;
  for (fs::recursive_directory_iterator entry(folder, fs::directory_options::skip_permission_denied, problem), end;
       !problem && entry != end; entry.increment(problem)) {
    const std::string name = entry->path().filename();
    if (name == "__pycache__" || name == ".ipynb_checkpoints") entry.disable_recursion_pending();
    if (entry->path().extension() == ".yaml" && entry->is_regular_file(problem)) files.push_back(entry->path());
  }
  if (problem) throw Error(ErrorKind::kBadInput, folder.string(), "the folder cannot be read: " + problem.message());
  std::ranges::sort(files);
  return files;
}

}  // namespace

struct TaskLibrary::State {
  enum class Kind { kTask, kGroup };
  struct Entry {
    Kind kind;
    TaskFile file;
  };
  using Index = std::map<std::string, Entry>;

  Index index;
  std::map<std::string, std::set<std::string>> tags;
  std::map<std::string, TaskFile> leaves;   ///< Tasks as groups set them up.
  std::map<std::string, GroupNode> groups;  ///< Those that were resolved.

  /// @returns the name, or nothing for a file that is neither task nor group.
  std::optional<std::string> read(const std::string& path, Index& into) {
    TaskFile file = load_task_file(path);
    const bool is_group = file.keys.find("group") != nullptr && file.keys.find("class") == nullptr;
    const std::string key = is_group ? "group" : "task";
    const Value* name = file.keys.find(key);
    if (name == nullptr) return std::nullopt;
    if (!name->is_text() || name->text().empty())
      throw Error(ErrorKind::kBadInput, file.place(key), "'" + key + "' must be a name", "put it in quotes");
    TaskFile settings = file;
    if (is_group)
      for (const Member& member : file.keys)
        if (is_group_key(member.key)) settings.keys.erase(member.key);
    check_task_keys(settings);
    const std::string text = name->text();
    if (!is_group && !into.contains(text))
      for (const std::string& tag : texts_of(file.keys.find("tag"))) tags[tag].insert(text);
    into.emplace(text, Entry{is_group ? Kind::kGroup : Kind::kTask, std::move(file)});
    return text;
  }

  std::string add_file(const std::string& path) {
    Index own;
    const std::optional<std::string> name = read(path, own);
    if (!name) {
      const TaskFile file = load_task_file(path);
      std::vector<std::string> keys;
      for (const Member& member : file.keys) keys.push_back(member.key);
      const std::string near = nearest("task", keys);
      throw Error(ErrorKind::kBadInput, path, "is neither a task nor a group: it has no key 'task'",
                  near.empty() ? "" : "did you mean 'task' where it says '" + near + "'?");
    }
    merge(std::move(own));
    return *name;
  }

  void merge(Index own) {
    for (auto& [name, entry] : own) index.insert_or_assign(name, std::move(entry));
  }

  [[noreturn]] void unknown(const std::string& name) const {
    std::vector<std::string> known;
    for (const auto& [key, entry] : index) known.push_back(key);
    for (const auto& [key, members] : tags) known.push_back(key);
    const std::string near = nearest(name, known);
    throw Error(ErrorKind::kUsage, name, "there is no such task, group or tag",
                near.empty() ? "see 'candor tasks'" : "did you mean '" + near + "'?");
  }

  void set_leaf(const std::string& name, TaskFile file) {
    const auto [place, fresh] = leaves.try_emplace(name, file);
    if (!fresh && !(place->second.keys == file.keys))
      throw Error(ErrorKind::kUsage, name, "the task is asked for twice with different settings",
                  "run it once on its own and once in its group");
  }

  static TaskFile overridden(TaskFile file, const Dict& overrides, const TaskFile& by) {
    for (const Member& member : overrides) {
      file.keys.set(member.key, member.value);
      file.origins[member.key] = by.path;
    }
    return file;
  }

  void add_task(const std::string& name, const Dict& overrides, const TaskFile& by, std::vector<std::string>& names) {
    TaskFile file = overridden(index.at(name).file, overrides, by);
    file.keys.set("task", name);
    set_leaf(name, std::move(file));
    names.push_back(name);
  }

  /// A group as its file (or the object in its parent's file) says.
  GroupNode expand(const std::string& name, const TaskFile& file, const Dict& outer, int depth) {
    if (depth > kMaxDepth) throw Error(ErrorKind::kBadInput, file.path, "groups contain each other");
    GroupNode node{.name = name,
                   .metrics = parse_group_metrics(file.keys.find("aggregate_metric_list"), file.path),
                   .leaves = {},
                   .subgroups = {}};
    Dict overrides;
    for (const Member& member : file.keys)
      if (!is_group_key(member.key) && member.key != "tag") overrides.set(member.key, member.value);
    for (const Member& member : outer) overrides.set(member.key, member.value);
    const Value* members = file.keys.find("task");
    if (members == nullptr || members->is_null()) return node;
    const Value::List list = members->is_list() ? members->list() : Value::List{*members};
    for (const Value& member : list) add_member(node, member, file, overrides, depth);
    return node;
  }

  void add_member(GroupNode& node, const Value& member, const TaskFile& file, const Dict& overrides, int depth) {
    const std::string where = file.path + (member.line() > 0 ? ":" + std::to_string(member.line()) : "");
    if (member.is_text()) return add_named(node, member.text(), Dict(), file, overrides, where, depth);
    const Value* group = member.find("group");
    const Value* task = member.find("task");
    if (group != nullptr && group->is_text()) {
      TaskFile inner{.path = file.path, .keys = member.dict(), .origins = {}, .shipped = file.shipped};
      const auto known = index.find(group->text());
      if (known == index.end())
        return adopt(node, expand(node.name + "::" + group->text(), inner, overrides, depth + 1));
      Dict own;
      for (const Member& setting : member.dict())
        if (!is_group_key(setting.key)) own.set(setting.key, setting.value);
      return add_named(node, group->text(), own, file, overrides, where, depth);
    }
    if (task == nullptr || !task->is_text())
      throw Error(ErrorKind::kBadInput, where, "a member of group '" + node.name + "' must name a task or a group");
    Dict own = member.dict();
    own.erase("task");
    add_named(node, task->text(), own, file, overrides, where, depth);
  }

  /// @param own  settings of this member alone; they win over the group's.
  void add_named(GroupNode& node, const std::string& name, const Dict& own, const TaskFile& file, Dict settings,
                 const std::string& where, int depth) {
    for (const Member& member : own) settings.set(member.key, member.value);
    if (const auto found = index.find(name); found != index.end()) {
      if (found->second.kind == Kind::kTask) return add_task(name, settings, file, node.leaves);
      return adopt(node, expand(name, found->second.file, settings, depth + 1));
    }
    if (const auto tag = tags.find(name); tag != tags.end()) {
      for (const std::string& task : tag->second) add_task(task, settings, file, node.leaves);
      return;
    }
    if (settings.find("dataset_path") == nullptr) {
      std::vector<std::string> known;
      for (const auto& [key, entry] : index) known.push_back(key);
      const std::string near = nearest(name, known);
      throw Error(ErrorKind::kBadInput, where, "group '" + node.name + "' names '" + name + "', which is not known",
                  near.empty() ? "add its file with --include" : "did you mean '" + near + "'?");
    }
    // A task written in place.
    TaskFile inline_task{.path = file.path, .keys = {}, .origins = {}, .shipped = file.shipped};
    inline_task = overridden(std::move(inline_task), settings, file);
    const std::string full = node.name + "::" + name;
    inline_task.keys.set("task", full);
    check_task_keys(inline_task);
    set_leaf(full, std::move(inline_task));
    node.leaves.push_back(full);
  }

  static void adopt(GroupNode& node, GroupNode child) {
    node.leaves.insert(node.leaves.end(), child.leaves.begin(), child.leaves.end());
    node.subgroups.push_back(std::move(child));
  }

  static const GroupNode* find_group(const std::vector<GroupNode>& nodes, const std::string& name) {
    for (const GroupNode& node : nodes) {
      if (node.name == name) return &node;
      if (const GroupNode* inner = find_group(node.subgroups, name)) return inner;
    }
    return nullptr;
  }

  /// A group that was resolved, or a subgroup of one.
  const GroupNode* find_group(const std::string& name) const {
    if (const auto found = groups.find(name); found != groups.end()) return &found->second;
    for (const auto& [key, node] : groups)
      if (const GroupNode* inner = find_group(node.subgroups, name)) return inner;
    return nullptr;
  }

  std::vector<std::string> resolve(const std::string& name) {
    if (const auto found = index.find(name); found != index.end()) {
      if (found->second.kind == Kind::kTask) return {name};
      GroupNode node = expand(name, found->second.file, Dict(), 0);
      std::vector<std::string> names = node.leaves;
      groups.insert_or_assign(name, std::move(node));
      return names;
    }
    if (const auto tag = tags.find(name); tag != tags.end()) return {tag->second.begin(), tag->second.end()};
    if (leaves.contains(name)) return {name};
    if (const std::size_t inner = name.find("::");
        inner != std::string::npos && index.contains(name.substr(0, inner))) {
      resolve(name.substr(0, inner));
      if (leaves.contains(name)) return {name};
      if (const GroupNode* node = find_group(name)) return node->leaves;
    }
    if (name.ends_with(".yaml") || name.find('/') != std::string::npos) return resolve(add_file(name));
    unknown(name);
  }
};

TaskLibrary::TaskLibrary() : state_(std::make_unique<State>()) {
  for (const EmbeddedFile& file : embedded_files())
    if (file.name.ends_with(".yaml")) state_->add_file(std::string(kShippedPrefix) + std::string(file.name));
}

TaskLibrary::TaskLibrary(TaskLibrary&&) noexcept = default;
TaskLibrary::~TaskLibrary() = default;

void TaskLibrary::add(const std::string& path) {
  if (!fs::is_directory(path)) {
    state_->add_file(path);
    return;
  }
  State::Index own;
  for (const std::string& file : yaml_files(path)) state_->read(file, own);
  state_->merge(std::move(own));
}

std::vector<TaskSummary> TaskLibrary::list() const {
  std::vector<TaskSummary> all;
  const auto text = [](const Value* value) { return value != nullptr && value->is_text() ? value->text() : ""; };
  for (const auto& [name, entry] : state_->index) {
    const bool is_task = entry.kind == State::Kind::kTask;
    const Value* metadata = entry.file.keys.find("metadata");
    const Value* output_type = entry.file.keys.find("output_type");
    all.push_back({.name = name,
                   .kind = is_task ? "task" : "group",
                   .output_type = is_task && output_type == nullptr ? "generate_until" : text(output_type),
                   .description = text(metadata == nullptr ? nullptr : metadata->find("description")),
                   .file = entry.file.path});
  }
  for (const auto& [name, members] : state_->tags)
    if (!state_->index.contains(name))
      all.push_back({.name = name,
                     .kind = "tag",
                     .output_type = "",
                     .description = std::to_string(members.size()) + " tasks",
                     .file = ""});
  return all;
}

std::vector<std::string> TaskLibrary::resolve(const std::string& name) {
  return state_->resolve(name);
}

Task TaskLibrary::prepare(const std::string& name, const TaskOptions& options) const {
  const auto leaf = state_->leaves.find(name);
  const auto found = state_->index.find(name);
  if (leaf == state_->leaves.end() && found == state_->index.end()) state_->unknown(name);
  if (leaf == state_->leaves.end() && found->second.kind == State::Kind::kGroup)
    throw Error(ErrorKind::kUsage, name, "is a group, not a task", "name one of its tasks");
  const TaskFile& file = leaf != state_->leaves.end() ? leaf->second : found->second.file;
  return Task(build_task(parse_task_config(file), options));
}

std::vector<GroupScore> TaskLibrary::aggregate_groups(
    const std::string& name, const std::map<std::string, std::vector<AggregateScore>>& tasks) const {
  std::vector<GroupScore> scores;
  if (const GroupNode* group = state_->find_group(name)) aggregate_group(*group, tasks, scores);
  return scores;
}

}  // namespace candor::suites
