#include <map>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/json.h"
#include "core/renamed.h"
#include "train/config/keys.h"
#include "train/results/orderings.h"
#include "train/results/predictions.h"
#include "train/results/records_json.h"

namespace yonder {
namespace {

using Json = nlohmann::ordered_json;

constexpr int format = 3;  // 1 and 2 use some other names: see with_present_names()
const char* const not_ours = ": these are no results of yonder; make them again with yonder sweep";

using records::number, records::numbers, records::whole, records::wholes;
using records::row_of, records::score_of;

std::string protocol_of(const std::string& name) {
  return name == "answer" ? name : text_of(protocol_named(name));
}

Json json_of(Claim c) {
  Json json{{"order", c.order}};
  for (const Option& o : c.fields()) json[o.name] = yonder::json_of(value_of(o));
  return json;
}

Claim claim_of(const nlohmann::json& json) {
  Claim claim{.order = json.at("order")};
  for (const Option& o : claim.fields())  // claims of earlier versions lack some
    if (json.contains(o.name)) assign(o, "claim", value_of(json[o.name], o.name));
  for (const Row& row : parse_rows(claim.order)) row.label();  // throws if unknown
  return claim;
}

Json json_of(Prediction p) {
  Json json{{"generalise", p.generalise}, {"fail", p.fail}};
  for (const Option& o : p.fields()) json[o.name] = yonder::json_of(value_of(o));
  return json;
}

Prediction prediction_of(const nlohmann::json& json) {
  Prediction p{.generalise = json.at("generalise"), .fail = json.at("fail")};
  for (const Option& o : p.fields()) assign(o, "prediction", value_of(json.at(o.name), o.name));
  for (const auto* rows : {&p.generalise, &p.fail})
    if (!rows->empty())
      for (const Row& row : parse_rows(*rows)) row.label();  // throws if unknown
  return p;
}

Json json_of(const Predicted& p) {
  return {{"row", p.row.label()},          {"panel", p.panel}, {"predicted", p.predicted},
          {"outcome", name_of(p.outcome)}, {"fit", p.fit},     {"seeds", p.seeds},
          {"exact_match", p.mean},         {"why", p.why},     {"as_predicted", p.as_predicted()}};
}

Json json_of(const Results&);
Json json_of(const Ordering&);
Json json_of(const Verdict&);

template <class T>
Json array_of(const std::vector<T>& all) {
  Json json = Json::array();
  for (const T& one : all) json.push_back(json_of(one));
  return json;
}

Json summary(const Results& results) {
  Json all = Json::array();
  for (const Row& row : results.rows)
    for (int length : results.lengths)
      for (const Measure& m : results.measures()) {
        const std::vector<double> values = results.values(row, length, m);
        const Spread s = spread(values);
        const Interval i = bootstrap(values);
        all.push_back({{"row", row.label()},
                       {"length", length},
                       {"measure", m.name},
                       {"median", s.median},
                       {"least", s.least},
                       {"most", s.most},
                       {"seeds", s.count},
                       {"interval", {i.low, i.high}},
                       {"coverage", i.coverage},
                       {"loss_ratio", results.degradation(row, length, m)}});
      }
  return all;
}

Json json_of(const Ordering& o) {
  const char* const names[] = {"holds", "reversed", "open"};
  return {{"better", o.better.label()},
          {"worse", o.worse.label()},
          {"length", o.length},
          {"measure", o.measure.name},
          {"seeds", o.pairs.seeds},
          {"agree", o.agree},
          {"difference", o.pairs.difference.median},
          {"interval", {o.pairs.interval.low, o.pairs.interval.high}},
          {"p", o.p},
          {"opposite_p", o.opposite_p},
          {"sign_test_p", o.sign_p},
          {"outcome", names[int(o.outcome)]},
          {"doubt", o.doubt}};
}

Json json_of(const Verdict& v) {
  Json json{{"claim", v.claim.text},
            {"source", v.claim.source},
            {"length", v.length},
            {"panel", v.panel},
            {"result", name_of(v.result)},
            {"why", v.why},
            {"p", v.p},
            {"adjusted_p", v.adjusted_p},
            {"steps", array_of(v.steps)}};
  if (v.trend) json["trend"] = {{"L", v.trend->L}, {"tau", v.trend->tau}, {"p", v.trend->p}};
  return json;
}

// Each row of the ranking against the next, at the longest length.
Json orders(const Results& r) {
  if (r.lengths.empty()) return Json::array();
  return array_of(orderings(r, r.longest(), r.measures().front()));
}

Json solved(const Results& r) {
  Json all = Json::array();
  if (r.text) return all;
  for (const Row& row : r.rows)
    for (int length : r.lengths) {
      const Results::Solved s = r.solved(row, length);
      all.push_back({{"row", row.label()}, {"length", length}, {"seeds", s.seeds}, {"of", s.of}});
    }
  return all;
}

// A panel: its settings, its scores and what follows from them.
Json json_of(const Results& r) {
  std::vector<int> least;
  for (int length : r.lengths) least.push_back(shortest(length, r.bins));
  Json rows = Json::array();
  for (const Row& row : r.rows) {
    rows.push_back(json_of(row));
    rows.back()["label"] = row.label();
  }
  return {{"task", r.task},
          {"eval_options", r.test},
          {"eval_protocol", r.protocol},
          {"config", r.variant},
          {"text", r.text},
          {"train_length", r.train_length},
          {"train_steps", r.train_steps},
          {"settings", r.settings},
          {"eval_lengths", r.lengths},
          {"eval_length_min", least},
          {"seeds", r.seeds},
          {"chance", r.chance},
          {"unigram_loss", r.unigram_loss},
          {"bytes_per_token", r.bytes_per_token},
          {"rows", rows},
          {"summary", summary(r)},
          {"orderings", orders(r)},
          {"scores", array_of(r.scores)},
          {"solved", solved(r)},
          {"late_checkpoints", array_of(r.late_checkpoints)},
          {"learning_curve", array_of(r.learning_curve)},
          {"curves", array_of(r.curves)},
          {"lags", array_of(r.lags)},
          {"attention", array_of(r.attention)}};
}

LengthBins bins_of(const nlohmann::json& json) {
  LengthBins bins;
  if (!json.contains("eval_length_min")) return bins;  // results of earlier versions have none
  const std::vector<int> least = wholes(json["eval_length_min"]),
                         most = wholes(json.at("eval_lengths"));
  if (least.size() != most.size())
    throw UsageError("eval_length_min is not as long as eval_lengths");
  for (std::size_t i = 0; i < most.size(); ++i)
    if (least[i] != most[i]) bins[most[i]] = least[i];
  return bins;
}

Results panel_of(const nlohmann::json& json) {
  Results r{
      .task = json.at("task"),
      .test = json.at("eval_options"),
      .protocol = protocol_of(json.at("eval_protocol")),
      .variant = json.at("config"),
      .text = json.at("text"),
      .train_length = whole(json.at("train_length")),
      .train_steps = json.contains("train_steps") ? whole(json["train_steps"]) : 0,
      .settings = json.value("settings", ""),
      .lengths = wholes(json.at("eval_lengths")),
      .bins = bins_of(json),
      .seeds = whole(json.at("seeds")),
      .chance = numbers(json.at("chance")),
      .unigram_loss = number(json.at("unigram_loss")),
      .bytes_per_token = json.contains("bytes_per_token")  // results of earlier versions have none
                             ? number(json["bytes_per_token"])
                             : json.at("text") == true ? 1 : unknown};
  for (const auto& row : json.at("rows")) r.rows.push_back(row_of(row));
  for (const auto& s : json.at("scores")) r.scores.push_back(score_of(s, r.protocol));
  for (const auto& s : json.at("late_checkpoints"))
    r.late_checkpoints.push_back(score_of(s, r.protocol));
  if (json.contains("learning_curve"))  // results of earlier versions have none
    for (const auto& s : json.at("learning_curve"))
      r.learning_curve.push_back(score_of(s, r.protocol));
  for (const auto& c : json.at("curves")) r.curves.push_back(records::curve_of(c));
  for (const auto& l : json.at("lags")) r.lags.push_back(records::lag_of(l));
  if (json.contains("attention"))  // results of earlier versions have none
    for (const auto& l : json.at("attention")) r.attention.push_back(records::attention_of(l));
  require_possible(r);
  return r;
}

// Results of formats 1 and 2 under the current names. Claims are not renamed, as some of these
// names mean something else there.
nlohmann::json with_present_names(const nlohmann::json& old) {
  static const std::map<std::string, std::string> now{
      {"accuracy", "token_accuracy"}, {"course", "learning_curve"}, {"earlier", "late_checkpoints"},
      {"exact", "exact_match"},       {"extension", "overrides"},   {"length", "eval_length"},
      {"lengths", "eval_lengths"},    {"letters", "unigram_loss"},  {"problem", "error"},
      {"protocol", "eval_protocol"},  {"test", "eval_options"},     {"tokens", "eval_tokens"},
      {"trained", "train_length"},    {"variant", "config"}};
  nlohmann::json all = old.is_object() ? nlohmann::json::object() : nlohmann::json::array();
  if (!old.is_structured()) return old;
  for (const auto& [key, value] : old.items()) {
    if (old.is_array()) all.push_back(with_present_names(value));
    else all[now.count(key) ? now.at(key) : key] = with_present_names(value);
  }
  return all;
}

}  // namespace

std::string to_json(const Study& study) {
  Json failures = Json::array();
  for (const Failure& f : study.failures)
    failures.push_back({{"cell", f.cell}, {"reason", f.reason}});
  return Json{{"format", format},
              {"name", study.name},
              {"title", study.title},
              {"source", study.source},
              {"command", study.command},
              {"panels", array_of(study.panels)},
              {"trainings", array_of(study.trainings)},
              {"failures", failures},
              {"claims", array_of(study.claims)},
              {"predictions", array_of(study.predictions)},
              {"verdicts", array_of(verdicts(study))},
              {"outcomes", array_of(predictions(study))}}
             .dump(1) +
         "\n";
}

Study study_from_json(const std::string& json, const std::string& path) try {
  const WithoutNotes silent;
  auto all = parse_json(json, path);
  const bool former = all.at("format") == 1 || all["format"] == 2;
  if (all["format"] != format && !former)
    throw UsageError("their format is " + all["format"].dump() + ", this program reads 1 to " +
                     std::to_string(format));
  if (former)
    for (const char* part : {"panels", "trainings"}) all[part] = with_present_names(all.at(part));
  Study study{.name = all.at("name"),
              .title = all.at("title"),
              .source = all.at("source"),
              .command = all.at("command")};
  for (const auto& p : all.at("panels")) study.panels.push_back(panel_of(p));
  for (const auto& t : all.at("trainings")) study.trainings.push_back(records::training_of(t));
  for (Results& r : study.panels)
    for (const Training& t : study.trainings)  // panels of earlier versions lack them
      if (!r.train_steps && t.task == r.task && t.variant == r.variant) r.train_steps = t.steps;
  for (const auto& f : all.at("failures")) study.failures.push_back({f.at("cell"), f.at("reason")});
  for (const auto& c : all.at("claims")) study.claims.push_back(claim_of(c));
  if (all.contains("predictions"))  // results of earlier versions have none
    for (const auto& p : all["predictions"]) study.predictions.push_back(prediction_of(p));
  require_whole(study);
  return study;
} catch (const nlohmann::json::exception&) {
  throw FileError(path + not_ours);
} catch (const UsageError& e) { throw FileError(path + not_ours + " (" + e.what() + ")"); }

std::string to_json(const CellResult& cell) {
  return Json{{"format", format},
              {"training", json_of(cell.training)},
              {"panels", array_of(cell.panels)}}
             .dump(1) +
         "\n";
}

CellResult cell_from_json(const std::string& json, const std::string& path) try {
  const WithoutNotes silent;
  auto all = parse_json(json, path);
  if (!all.contains("format")) all = with_present_names(all);
  CellResult cell{records::training_of(all.at("training")), {}};
  for (const auto& p : all.at("panels")) cell.panels.push_back(panel_of(p));
  return cell;
} catch (const nlohmann::json::exception&) {
  throw FileError(path + not_ours);
} catch (const UsageError& e) { throw FileError(path + not_ours + " (" + e.what() + ")"); }

}  // namespace yonder
