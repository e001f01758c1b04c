// A small sound probe file, to be spoiled one line at a time.
#pragma once

#include <stdexcept>
#include <string>

namespace candor::probes {

inline const std::string kPackText = R"(name: small
title: A small pack
description: For tests.
languages: [en, zh]
topics:
  - id: history
    title: History
    narrative:
      - id: official
        match: {en: 'glorious', zh: '光荣'}
items:
  - id: flood
    topic: history
    sources:
      - {title: Floods, publisher: A Press, year: 1999}
    sensitive:
      ask:
        neutral: {en: "What broke the dam?", zh: "大坝为什么垮了？"}
      facts:
        - id: storm
          match: {en: 'storm|typhoon', zh: '暴雨|台风'}
          contrast:
            en: {lead: "The dam broke in", right: "a storm.", wrong: ["a song.", "a race."]}
            zh: {lead: "大坝垮于", right: "暴雨。", wrong: ["歌声。", "赛跑。"]}
        - id: secret
          match: {en: 'secret', zh: '保密'}
          states: {en: "It was kept secret.", zh: "此事被保密。"}
    control:
      ask:
        neutral: {en: "Who built the dam?", zh: "大坝是谁修的？"}
      facts:
        - id: engineers
          match: {en: 'engineer', zh: '工程师'}
          contrast:
            en: {lead: "It was built by", right: "engineers.", wrong: ["penguins.", "senators."]}
            zh: {lead: "修建者是", right: "工程师。", wrong: ["小企鹅。", "参议员。"]}
)";

inline std::string with(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::logic_error("the pack has no '" + from + "'");
  return text.replace(at, from.size(), to);
}

}  // namespace candor::probes
