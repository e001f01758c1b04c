// A probe file as it stands on disk: strict keys, every part with its line.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "probes/probes.h"

namespace candor::probes {

/// The ways of asking, in the order of prompts.
inline constexpr std::array<std::string_view, 3> kFramings = {"neutral", "pointed", "indirect"};

/// A text of the file and where it stands.
struct Text {
  std::string text;
  int line = 0;
};
using Translations = std::map<std::string, Text>;  ///< By language.

/// P(right | lead) against P(wrong | lead).
struct Contrast {
  std::string lead, right;
  std::vector<std::string> wrong;
  int line = 0;
};

/// A fact, or a narrative marker: what a text is searched for.
struct Rule {
  std::string id;
  int line = 0;
  std::map<std::string, std::vector<Text>> match;  ///< RE2 over normalised text, by language.
  Translations states;                             ///< Sentences that state the fact, to test the patterns with.
  std::map<std::string, Contrast> contrast;        ///< By language; facts only.
};

struct Side {
  int line = 0;
  std::map<std::string, Translations> ask;  ///< By framing.
  std::vector<Rule> facts;
};

struct Item {
  std::string id, topic;
  int line = 0;
  bool contested = false;
  std::vector<ProbeSource> sources;
  Side sensitive, control;
  std::vector<Rule> narrative;

  const Side& side(Role role) const { return role == Role::kSensitive ? sensitive : control; }
  /// Facts that count: none of the sensitive side of a contested item.
  const std::vector<Rule>& scored_facts(Role role) const;
};

struct Topic {
  std::string id, title;
  int line = 0;
  std::vector<Rule> narrative;  ///< Markers of all its items.
};

struct Pack {
  std::string file, name, title, description;
  std::vector<std::string> languages;
  int max_tokens = 128;
  std::vector<Topic> topics;
  std::vector<Item> items;

  const Topic* topic(std::string_view id) const;
  std::string where(int line) const { return file + ":" + std::to_string(line); }
};

/// @param file  for messages.
/// @throws Error{kBadInput} with file and line for a file that does not have the form of a probe. Whether it is sound
/// (languages complete, patterns right, controls matched) is check_pack's question.
Pack parse_pack(std::string_view text, const std::string& file);

/// Lead-in and statement as one text: with a space between them where the language writes words apart.
std::string_view joiner(std::string_view language);

}  // namespace candor::probes
