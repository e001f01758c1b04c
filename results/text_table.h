// Tables for a terminal. Private to results.
#pragma once

#include <string>
#include <vector>

#include "results/report.h"

namespace candor::results {

enum class Align { kLeft, kRight };
enum class Ink { kPlain, kBold, kDim, kGood, kBad };

struct Cell {
  std::string text;
  Ink ink = Ink::kPlain;
  Cell(std::string content = {}, Ink colour = Ink::kPlain) : text(std::move(content)), ink(colour) {}
  Cell(const char* content) : text(content) {}
};

struct Column {
  std::string title;
  Align align = Align::kLeft;
};

/// Columns as wide as their cells; where that is wider than the terminal, the widest left-aligned ones give way.
class TextTable {
 public:
  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<Cell> row);
  bool empty() const { return rows_.empty(); }
  std::string render(const Style& style) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

std::string inked(const std::string& text, Ink ink, const Style& style);

}  // namespace candor::results
