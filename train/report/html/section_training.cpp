#include <algorithm>
#include <cmath>

#include "train/report/html/sections.h"
#include "train/results/format.h"

namespace yonder {
namespace {

// Trainings of the same encoding, task and variant, in order of appearance.
struct TrainingGroup {
  std::string encoding, task, variant;
  std::vector<const Training*> all;

  double median(double Training::*field) const {
    std::vector<double> values;
    for (const Training* t : all)
      if (!std::isnan(t->*field)) values.push_back(t->*field);
    return spread(std::move(values)).median;
  }
};

std::vector<TrainingGroup> groups(const Study& study) {
  std::vector<TrainingGroup> found;
  for (const Training& t : study.trainings) {
    if (t.trial) continue;
    auto at = std::ranges::find_if(found, [&t](const TrainingGroup& g) {
      return g.encoding == t.encoding && g.task == t.task && g.variant == t.variant;
    });
    if (at == found.end()) at = found.insert(found.end(), {t.encoding, t.task, t.variant, {}});
    at->all.push_back(&t);
  }
  return found;
}

Json models(const std::vector<TrainingGroup>& all, const Palette& palette) {
  Json lines = Json::array();
  for (const TrainingGroup& g : all) {
    const Training& t = *g.all.front();
    lines.push_back(line_of(
        {g.encoding, {}}, palette,
        {cell(with_settings(g.task, g.variant)), cell(std::to_string(g.all.size())),
         cell(grouped(t.parameters - t.position_parameters)), cell(grouped(t.position_parameters)),
         cell(t.depth > 0 ? std::to_string(t.depth) : ""), cell(grouped(t.steps)),
         cell(number(g.median(&Training::lr), "{:g}")),
         cell(number(g.median(&Training::seconds), "{:.1f}")),
         cell(grouped(std::llround(g.median(&Training::tokens_per_second))))}));
  }
  return tables_of("Models and their training", "sortable",
                   {head("encoding"), head("task"), head("seeds"), head("parameters", "content"),
                    head("parameters", "position"), head("depth", "layers"), head("steps"),
                    head("learning rate"), head("seconds", "median"), head("tokens/s", "median")},
                   lines);
}

// If learning rates were chosen on validation data: every trial, including the chosen ones.
Json rates(const Study& study, const Palette& palette) {
  Json lines = Json::array();
  for (const Training& t : study.trainings)
    if (!std::isnan(t.validation))
      lines.push_back(line_of({t.encoding, {}}, palette,
                              {cell(with_settings(t.task, t.variant)), cell(number(t.lr, "{:g}")),
                               cell(std::to_string(t.seed)), cell(number(t.validation, "{:.4f}")),
                               cell(t.trial ? "" : "chosen")}));
  return tables_of("Learning rates", "sortable",
                   {head("encoding"), head("task"), head("learning rate"), head("seed"),
                    head("validation", "nats"), head("choice")},
                   lines);
}

// The first measure at the training length and at the longest one, over training.
Json curves(const Study& study, const Palette& palette, Pictures& pictures) {
  return panels_of(study, [&](const Results& r, Json& panel) {
    if (r.learning_curve.empty()) return false;
    const int longest = r.longest();
    Json figures = Json::array();
    for (int length : {longest, r.train_length})
      if (length != longest || figures.empty())
        pictures.add(figures, over_steps(r, r.measures().front(), length, palette));
    panel["figures"] = figures;
    return !figures.empty();
  });
}

}  // namespace

Json training_section(const Study& study, const Palette& palette, Pictures& pictures) {
  const auto all = groups(study);
  if (all.empty()) return nullptr;
  Json figures = Json::array();
  std::vector<std::pair<std::string, std::string>> drawn;
  for (const TrainingGroup& g : all) {
    if (has(drawn, std::pair(g.task, g.variant))) continue;
    drawn.emplace_back(g.task, g.variant);
    pictures.add(figures, over_training(study, g.task, g.variant, palette));
  }
  const Json course = curves(study, palette, pictures);
  return {{"figures", figures},
          {"curves", course},
          {"tables", models(all, palette)},
          {"rates", rates(study, palette)}};
}

}  // namespace yonder
