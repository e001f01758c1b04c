// One JSON object in, one out: what `tokenize`, `render`, `normalize` and `judge` share.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/fields.h"
#include "base/json.h"
#include "harness/output.h"

namespace candor::harness {

/// As read_json_lines, but bytes that are not UTF-8 are repaired (U+FFFD per maximal subpart) instead of refused: these
/// commands look at texts that others wrote, and a broken character is part of what they are asked about.
void read_repaired_json_lines(const std::string& path, const std::function<void(Value, const std::string& where)>& use);

/// Reads every line of `path` with `read` (which may throw Error), and only then writes each one's `answer`, in order.
template <typename Request>
void answer_lines(const std::string& path, const std::function<Request(const Value&, const std::string& where)>& read,
                  const std::function<Value(const Request&)>& answer) {
  std::vector<Request> requests;
  read_repaired_json_lines(
      path, [&](const Value& value, const std::string& where) { requests.push_back(read(value, where)); });
  Output output;
  for (const Request& request : requests) output.json_line(answer(request));
  output.close();
}

/// Puts the request's id, if it has one, in front of its answer.
inline Value with_id(const Value& id, Dict answer) {
  if (id.is_null()) return answer;
  Dict whole{{"id", id}};
  for (Member& member : answer) whole.set(std::move(member.key), std::move(member.value));
  return whole;
}

}  // namespace candor::harness
