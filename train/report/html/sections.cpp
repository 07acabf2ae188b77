#include "train/report/html/sections.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "core/io/files.h"

namespace yonder {

namespace fs = std::filesystem;

std::string file_name(const std::string& wanted) {
  std::string name;
  for (char c : wanted.substr(0, 80))
    name += std::isalnum(static_cast<unsigned char>(c)) || (c && std::strchr("._+=-", c)) ? c : '-';
  if (name.empty() || name.front() == '.') name.insert(0, "-");
  return name;
}

void Pictures::add(Json& figures, const std::string& name, const std::string& title,
                   const std::string& caption, const std::function<std::string(Svg)>& drawn) {
  std::string path = folder_ + "/" + file_name(name) + ".svg";
  for (int n = 2; has(paths_, path); ++n)
    path = fmt::format("{}/{}-{}.svg", folder_, n, file_name(name));
  make_folders(folder_);
  write_file(path, drawn(Svg::file));
  paths_.push_back(path);
  figures.push_back({{"ordinal", paths_.size()},
                     {"svg", drawn(Svg::inlined)},
                     {"headline", title},
                     {"caption", caption},
                     {"file", "plots/" + fs::path(path).filename().string()}});
}

void Pictures::add(Json& figures, const Chart& chart) {
  if (!chart.empty())
    add(figures, chart.name, chart.title + ".", chart.caption,
        [&chart](Svg where) { return chart_svg(chart, where); });
}

std::string with_sign(double x, int digits) {
  const std::string text = std::isnan(x) ? "" : fmt::format("{:.{}f}", std::abs(x), digits);
  if (text.find_first_not_of("0.") == text.npos) return text;
  return (x < 0 ? "−" : "+") + text;
}

std::string number(double x, fmt::format_string<double&> format) {
  return std::isnan(x) ? "" : fmt::format(format, x);
}

Json head(const std::string& text, const std::string& under) {
  return {{"head", text}, {"under", under}};
}

Json named(const Row& row, const Palette& palette, const std::string& sign) {
  return {{"key", marker_svg(palette.of(row))}, {"label", row.printed()}, {"sign", sign}};
}

Json line_of(const Row& row, const Palette& palette, Json cells) {
  return {{"row", row.printed()},
          {"rows", Json::array({named(row, palette)})},
          {"cells", std::move(cells)}};
}

Json tables_of(const std::string& name, const std::string& kind, Json heads, Json lines) {
  if (lines.empty()) return Json::array();
  return Json::array(
      {{{"name", name}, {"kind", kind}, {"heads", std::move(heads)}, {"lines", std::move(lines)}}});
}

Json panels_of(const Study& study, const std::function<bool(const Results&, Json&)>& fill) {
  Json panels = Json::array();
  for (const Results& r : study.panels) {
    Json panel{{"panel", study.panels.size() < 2 ? "" : r.title()}};
    if (fill(r, panel)) panels.push_back(std::move(panel));
  }
  return panels.empty() ? Json() : Json{{"panels", panels}};
}

Json length_heads(const Results& r, const std::string& first) {
  Json heads = Json::array({head(first)});
  for (int length : r.lengths)
    heads.push_back(head(text_of(length, r.bins),
                         length == r.train_length ? "trained" : r.multiple(length) + "×"));
  return heads;
}

Json linked(const std::string& text) {
  Json parts = Json::array();
  const auto plain = [&parts](const std::string& piece) {
    if (!piece.empty()) parts.push_back({{"href", ""}, {"words", ""}, {"plain", piece}});
  };
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size();) {
    const bool arxiv = text.compare(at, 6, "arXiv:") == 0;
    const bool kexue = text.compare(at, 18, "kexue.fm/archives/") == 0;
    if (!arxiv && !kexue) {
      ++at;
      continue;
    }
    const std::size_t from = at + (arxiv ? 6 : 18);
    std::size_t end = std::min(text.find_first_not_of("0123456789.", from), text.size());
    while (end > from && text[end - 1] == '.') --end;
    plain(text.substr(done, at - done));
    const std::string target =
        arxiv ? "arxiv.org/abs/" + text.substr(from, end - from) : text.substr(at, end - at);
    parts.push_back(
        {{"href", "https://" + target}, {"words", text.substr(at, end - at)}, {"plain", ""}});
    done = at = end;
  }
  plain(text.substr(done));
  return parts;
}

}  // namespace yonder
