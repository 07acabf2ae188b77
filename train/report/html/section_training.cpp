#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "train/report/html/html.h"
#include "train/report/html/sections.h"

namespace yonder {
namespace {

std::string number(double x, const char* format) {
  char text[32];
  std::snprintf(text, sizeof text, format, x);
  return std::isnan(x) ? "" : text;
}

// 12345678 as 12,345,678.
std::string grouped(std::int64_t n) {
  std::string text = std::to_string(n);
  for (int at = int(text.size()) - 3; at > 0; at -= 3) text.insert(std::size_t(at), ",");
  return text;
}

// Trainings of the same encoding, task and variant, in order of appearance.
struct Group {
  std::string encoding, task, variant;
  std::vector<const Training*> all;

  double median(double Training::*field) const {
    std::vector<double> values;
    for (const Training* t : all)
      if (!std::isnan(t->*field)) values.push_back(t->*field);
    return spread(std::move(values)).median;
  }
};

std::vector<Group> groups(const Study& study) {
  std::vector<Group> found;
  for (const Training& t : study.trainings) {
    if (t.trial) continue;
    auto at = std::find_if(found.begin(), found.end(), [&t](const Group& g) {
      return g.encoding == t.encoding && g.task == t.task && g.variant == t.variant;
    });
    if (at == found.end()) at = found.insert(found.end(), {t.encoding, t.task, t.variant, {}});
    at->all.push_back(&t);
  }
  return found;
}

std::string models(const std::vector<Group>& all, const Palette& palette) {
  std::string rows;
  for (const Group& g : all) {
    const Training& t = *g.all.front();
    const Row row{g.encoding, {}};
    rows +=
        element("tr", "data-row=\"" + escaped(row.label()) + "\"",
                element("td", named(row, palette)) +
                    element("td", escaped(g.task + (g.variant.empty() ? "" : ", ") + g.variant)) +
                    element("td", std::to_string(g.all.size())) +
                    element("td", grouped(t.parameters - t.position_parameters)) +
                    element("td", grouped(t.position_parameters)) +
                    element("td", grouped(t.steps)) +
                    element("td", number(g.median(&Training::lr), "%g")) +
                    element("td", number(g.median(&Training::seconds), "%.1f")) +
                    element("td", grouped(std::llround(g.median(&Training::tokens_per_second))))) +
        "\n";
  }
  std::string head;
  for (const char* name :
       {"trained", "task", "models", "parameters<small>content</small>", "<small>position</small>",
        "steps", "rate", "seconds<small>median</small>", "tokens/s<small>median</small>"})
    head += element("th", name);
  return scrolling_table("sortable", head, rows);
}

// Where rates were chosen on validation data: every trial, the chosen one among them.
std::string rates(const Study& study, const Palette& palette) {
  std::string rows;
  for (const Training& t : study.trainings) {
    if (std::isnan(t.validation)) continue;
    rows +=
        element("tr",
                element("td", named({t.encoding, {}}, palette)) +
                    element("td", escaped(t.task + (t.variant.empty() ? "" : ", ") + t.variant)) +
                    element("td", number(t.lr, "%g")) + element("td", std::to_string(t.seed)) +
                    element("td", number(t.validation, "%.4f")) +
                    element("td", t.trial ? "" : "chosen")) +
        "\n";
  }
  if (rows.empty()) return "";
  std::string head;
  for (const char* name : {"trained", "task", "rate", "seed", "validation<small>nats</small>", ""})
    head += element("th", name);
  return element("details",
                 element("summary",
                         "Learning rates, chosen on validation data of the trained length, equal "
                         "trials for each encoding") +
                     scrolling_table("sortable", head, rows)) +
         "\n";
}

// The first measure at the trained length and at the longest one, as training went on.
std::string course(const Study& study, const Palette& palette, Pictures& pictures) {
  std::string text;
  for (const Results& r : study.panels) {
    if (r.course.empty()) continue;
    const int longest = *std::max_element(r.lengths.begin(), r.lengths.end());
    std::string drawn;
    for (int length : {longest, r.trained})
      if (length != longest || drawn.empty())
        drawn += pictures.figure(over_steps(study, r, r.measures().front(), length, palette));
    if (!drawn.empty()) text += panel_heading(study, r) + drawn;
  }
  if (text.empty()) return "";
  return element("h3", "Beyond the trained length, over training") + "\n" + text;
}

}  // namespace

std::string training(const Study& study, const Palette& palette, Pictures& pictures) {
  const auto all = groups(study);
  if (all.empty()) return "";
  std::string text;
  std::vector<std::pair<std::string, std::string>> drawn;
  for (const Group& g : all) {
    if (std::count(drawn.begin(), drawn.end(), std::pair(g.task, g.variant))) continue;
    drawn.emplace_back(g.task, g.variant);
    text += pictures.figure(over_training(study, g.task, g.variant, palette));
  }
  text += course(study, palette, pictures);
  return text + models(all, palette) + rates(study, palette);
}

}  // namespace yonder
