#include "results/text_table.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "results/text_display.h"

namespace candor::results {
namespace {

constexpr int kGap = 2;
constexpr int kNarrowest = 8;

std::vector<int> column_widths(const std::vector<Column>& columns, const std::vector<std::vector<Cell>>& rows,
                               int available) {
  std::vector<int> widths;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    int width = terminal_width(columns[i].title);
    for (const auto& row : rows) width = std::max(width, terminal_width(row[i].text));
    widths.push_back(width);
  }
  const auto total = [&] {
    return std::accumulate(widths.begin(), widths.end(), kGap * (static_cast<int>(widths.size()) - 1));
  };
  while (total() > available) {
    int* widest = nullptr;
    for (std::size_t i = 0; i < columns.size(); ++i)
      if (columns[i].align == Align::kLeft && widths[i] > kNarrowest && (widest == nullptr || widths[i] > *widest))
        widest = &widths[i];
    if (widest == nullptr) break;
    --*widest;
  }
  return widths;
}

}  // namespace

std::string inked(const std::string& text, Ink ink, const Style& style) {
  if (!style.colour || ink == Ink::kPlain) return text;
  const char* code = ink == Ink::kBold ? "1" : ink == Ink::kDim ? "2" : ink == Ink::kGood ? "32" : "31";
  return std::string("\x1b[") + code + "m" + text + "\x1b[0m";
}

void TextTable::add(std::vector<Cell> row) {
  CANDOR_CHECK(row.size() == columns_.size(), "a row has another number of cells than its table");
  for (Cell& cell : row) cell.text = terminal_text(cell.text);
  rows_.push_back(std::move(row));
}

std::string TextTable::render(const Style& style) const {
  const std::vector<int> widths = column_widths(columns_, rows_, style.columns);
  std::string out;
  const auto line = [&](const auto& cell_at) {
    std::string row;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const Cell cell = cell_at(i);
      const std::string text = fitted(cell.text, widths[i]);
      const std::string padding(static_cast<std::size_t>(widths[i] - terminal_width(text)), ' ');
      if (columns_[i].align == Align::kRight) row += padding;
      row += inked(text, cell.ink, style);
      if (columns_[i].align == Align::kLeft && i + 1 < columns_.size()) row += padding;
      if (i + 1 < columns_.size()) row.append(kGap, ' ');
    }
    row.erase(row.find_last_not_of(' ') + 1);
    out += row + "\n";
  };
  line([&](std::size_t i) { return Cell(columns_[i].title, Ink::kDim); });
  for (const auto& row : rows_) line([&](std::size_t i) { return row[i]; });
  return out;
}

}  // namespace candor::results
