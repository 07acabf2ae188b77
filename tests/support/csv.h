#pragma once
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace yonder {

/// Parses the lines of results.csv into fields by column name.
inline std::vector<std::map<std::string, std::string>> read_csv(const std::string& text) {
  const auto fields = [](const std::string& line) {
    std::vector<std::string> all{""};
    bool quoted = false;
    for (const char c : line)
      if (c == '"') quoted = !quoted;  // a doubled one closes and reopens
      else if (c == ',' && !quoted) all.emplace_back();
      else all.back() += c;
    return all;
  };
  std::istringstream in(text);
  std::string line;
  std::getline(in, line);
  const std::vector<std::string> names = fields(line);
  std::vector<std::map<std::string, std::string>> rows;
  while (std::getline(in, line)) {
    const std::vector<std::string> values = fields(line);
    auto& row = rows.emplace_back();
    for (std::size_t i = 0; i < names.size() && i < values.size(); ++i) row[names[i]] = values[i];
  }
  return rows;
}

}  // namespace yonder
