#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/json.h"
#include "core/renamed.h"
#include "train/config/keys.h"
#include "train/results/orderings.h"
#include "train/results/study.h"

namespace yonder {
namespace {

using Json = nlohmann::ordered_json;

constexpr int format = 3;  // 1 and 2 have some names of their own: see with_present_names()
const char* const not_ours = ": these are no results of yonder; make them again with yonder sweep";

// Shortest digits that read back to the same number.
std::string digits(double x) {
  if (std::isnan(x)) return "";
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, x).ptr};
}

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string out = "\"";
  for (char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + '"';
}

double number(const nlohmann::json& json) { return json.is_null() ? unknown : json.get<double>(); }

std::vector<double> numbers(const nlohmann::json& json) {
  std::vector<double> all;
  for (const auto& one : json) all.push_back(number(one));
  return all;
}

// Else a fraction or a number that no int holds would be cut without a word.
template <class Whole = int>
Whole whole(const nlohmann::json& json) {
  const double x = json.get<double>(), exact = 0x1p53;
  const double most = std::min(exact, double(std::numeric_limits<Whole>::max()));
  if (!json.is_number_integer() || std::abs(x) > most)
    throw UsageError(json.dump() + " is not a whole number that a study has");
  return json.get<Whole>();
}

std::string protocol_of(const std::string& name) {
  return name == "answer" ? name : current_protocol(name);
}

std::vector<int> wholes(const nlohmann::json& json) {
  std::vector<int> all;
  for (const auto& one : json) all.push_back(whole(one));
  return all;
}

Row row_of(const nlohmann::json& json) {
  const std::string encoding = json.at("encoding"), extension = json.at("overrides");
  if (encoding.empty()) throw UsageError("a row has no encoding");
  Row row = parse_row(encoding + (extension.empty() ? "" : ":" + extension));
  row.label();  // refuses what it can't tell
  return row;
}

Json json_of(const Row& r) { return {{"encoding", r.encoding}, {"overrides", r.extension_text()}}; }

Json json_of(const EvalScore& s) {
  Json json = json_of(s.row);
  json.update(Json{{"eval_length", s.length},
                   {"eval_tokens", s.tokens},
                   {"seed", s.seed},
                   {"step", s.step},
                   {"loss", s.loss},
                   {"token_accuracy", s.token_accuracy},
                   {"exact_match", s.exact_match},
                   {"examples", s.examples},
                   {"status", name_of(s.status)},
                   {"reason", s.reason},
                   {"error", s.problem}});
  return json;
}

// Earlier versions knew a sentence alone.
Status status_of(const nlohmann::json& json) {
  if (!json.contains("status"))
    return std::string(json.at("error")).empty() ? Status::ok : Status::undefined;
  for (const Status status : every_status)
    if (json["status"] == name_of(status)) return status;
  throw UsageError("a score has the status " + json["status"].dump());
}

std::string reason_of(const nlohmann::json& json) {
  if (json.contains("status")) return json.at("reason");
  return std::string(json.at("error")).find("table") == std::string::npos ? "" : "table ends";
}

EvalScore score_of(const nlohmann::json& json, const std::string& protocol) {
  return {.row = row_of(json),
          .protocol = protocol,
          .length = whole(json.at("eval_length")),
          .tokens = whole(json.at("eval_tokens")),
          .seed = whole(json.at("seed")),
          .loss = number(json.at("loss")),
          .token_accuracy = number(json.at("token_accuracy")),
          .exact_match = number(json.at("exact_match")),
          .examples = whole(json.at("examples")),
          .step = whole(json.at("step")),
          .status = status_of(json),
          .reason = reason_of(json),
          .problem = json.at("error")};
}

Json json_of(const Curve& c) {
  Json json = json_of(c.row);
  json.update(Json{{"seed", c.seed}, {"loss", c.loss}});
  return json;
}

Curve curve_of(const nlohmann::json& json) {
  return {row_of(json), whole(json.at("seed")), numbers(json.at("loss"))};
}

Json json_of(const LagScore& l) {
  Json json = json_of(l.row);
  json.update(Json{{"seed", l.seed},
                   {"eval_length", l.length},
                   {"from", l.from},
                   {"to", l.to},
                   {"token_accuracy", l.token_accuracy},
                   {"count", l.count}});
  return json;
}

LagScore lag_of(const nlohmann::json& json) {
  return {.row = row_of(json),
          .seed = whole(json.at("seed")),
          .length = whole(json.at("eval_length")),
          .from = whole(json.at("from")),
          .to = whole(json.at("to")),
          .token_accuracy = number(json.at("token_accuracy")),
          .count = whole(json.at("count"))};
}

Json json_of(const AttentionScore& l) {
  Json heads = Json::array();
  for (const HeadLook& h : l.heads) {
    Json head{{"layer", h.layer}, {"head", h.head}, {"rows", h.rows}};
    for (const HeadNumber& n : head_numbers) head[n.name] = h.*n.value;
    head["by_distance"] = h.by_distance;
    heads.push_back(std::move(head));
  }
  Json json = json_of(l.row);
  json.update(Json{{"seed", l.seed},
                   {"eval_length", l.length},
                   {"eval_tokens", l.tokens},
                   {"heads", std::move(heads)}});
  return json;
}

AttentionScore attention_of(const nlohmann::json& json) {
  AttentionScore look{.row = row_of(json),
                      .seed = whole(json.at("seed")),
                      .length = whole(json.at("eval_length")),
                      .tokens = whole(json.at("eval_tokens"))};
  for (const auto& one : json.at("heads")) {
    HeadLook head{.layer = whole(one.at("layer")),
                  .head = whole(one.at("head")),
                  .rows = whole<std::int64_t>(one.at("rows"))};
    for (const HeadNumber& n : head_numbers) head.*n.value = number(one.at(n.name));
    head.by_distance = numbers(one.at("by_distance"));
    look.heads.push_back(std::move(head));
  }
  return look;
}

Json json_of(const Overrides& settings) {
  Json json = Json::object();
  for (const auto& [key, value] : settings) json[text_of(key)] = yonder::json_of(value);
  return json;
}

// Results of earlier versions have numbers as texts.
Overrides settings_of(const nlohmann::json& json) {
  Overrides all;
  for (const auto& [option, value] : json.items()) {
    const OptionKey key = find_key(option).value_or(option);
    all.push_back({key, typed(key, value_of(value, option))});
  }
  return all;
}

Json json_of(const Training& t) {
  return {{"cell", t.cell},
          {"encoding", t.encoding},
          {"task", t.task},
          {"config", t.variant},
          {"seed", t.seed},
          {"steps", t.steps},
          {"lr", t.lr},
          {"settings", json_of(t.settings)},
          {"validation", t.validation},
          {"trial", t.trial},
          {"seconds", t.seconds},
          {"tokens_per_second", t.tokens_per_second},
          {"parameters", t.parameters},
          {"position_parameters", t.position_parameters},
          {"loss", t.loss}};
}

Training training_of(const nlohmann::json& json) {
  if (const std::string encoding = json.at("encoding"); !encoding.empty())
    Row{encoding, {}}.label();  // refuses what it can't tell
  return {.cell = json.at("cell"),
          .encoding = json.at("encoding"),
          .task = json.at("task"),
          .variant = json.at("config"),
          .seed = whole(json.at("seed")),
          .steps = whole(json.at("steps")),
          .lr = json.at("lr"),
          .settings = settings_of(json.value("settings", nlohmann::json::object())),
          .validation = number(json.at("validation")),
          .trial = json.at("trial"),
          .seconds = json.at("seconds"),
          .tokens_per_second = json.at("tokens_per_second"),
          .parameters = whole<std::int64_t>(json.at("parameters")),
          .position_parameters = whole<std::int64_t>(json.at("position_parameters")),
          .loss = numbers(json.at("loss"))};
}

Json json_of(Claim c) {
  Json json{{"order", c.order}};
  for (const Option& o : c.fields()) json[o.name] = yonder::json_of(value_of(o));
  return json;
}

Claim claim_of(const nlohmann::json& json) {
  Claim claim{.order = json.at("order")};
  for (const Option& o : claim.fields()) assign(o, "claim", value_of(json.at(o.name), o.name));
  for (const Row& row : parse_rows(claim.order)) row.label();  // refuses what it can't tell
  return claim;
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

// Each row against the next, at the longest length.
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

// What each panel knows beside its numbers.
Json json_of(const Results& r) {
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
          {"eval_lengths", r.lengths},
          {"seeds", r.seeds},
          {"chance", r.chance},
          {"unigram_loss", r.unigram_loss},
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

Results panel_of(const nlohmann::json& json) {
  Results r{.task = json.at("task"),
            .test = json.at("eval_options"),
            .protocol = protocol_of(json.at("eval_protocol")),
            .variant = json.at("config"),
            .text = json.at("text"),
            .train_length = whole(json.at("train_length")),
            .lengths = wholes(json.at("eval_lengths")),
            .seeds = whole(json.at("seeds")),
            .chance = numbers(json.at("chance")),
            .unigram_loss = number(json.at("unigram_loss"))};
  for (const auto& row : json.at("rows")) r.rows.push_back(row_of(row));
  for (const auto& s : json.at("scores")) r.scores.push_back(score_of(s, r.protocol));
  for (const auto& s : json.at("late_checkpoints"))
    r.late_checkpoints.push_back(score_of(s, r.protocol));
  if (json.contains("learning_curve"))  // results of earlier versions have none
    for (const auto& s : json.at("learning_curve"))
      r.learning_curve.push_back(score_of(s, r.protocol));
  for (const auto& c : json.at("curves")) r.curves.push_back(curve_of(c));
  for (const auto& l : json.at("lags")) r.lags.push_back(lag_of(l));
  if (json.contains("attention"))  // results of earlier versions have none
    for (const auto& l : json.at("attention")) r.attention.push_back(attention_of(l));
  require_possible(r);
  return r;
}

// Results of formats 1 and 2 by the names of today. Where a name has other meanings, as in claims,
// nothing reads it by these.
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

const char* const key_columns =
    "encoding,overrides,task,eval_options,config,eval_protocol,eval_length,eval_tokens,seed,"
    "train_length";

// The key of an EvalScore or an AttentionScore, each cell with its comma.
template <class Reached>
std::string key_cells(const Results& r, const Reached& one) {
  std::string csv;
  for (const std::string& text :
       {one.row.encoding, one.row.extension_text(), r.task, r.test, r.variant, r.protocol})
    csv += quoted(text) + ',';
  for (int n : {one.length, one.tokens, one.seed, r.train_length}) csv += std::to_string(n) + ',';
  return csv;
}

void add_lines(std::string& csv, const Results& r, const std::vector<EvalScore>& scores) {
  for (const EvalScore& s : scores) {
    csv += key_cells(r, s);
    csv += (s.step ? std::to_string(s.step) : "") + ',';
    const double bits = r.text ? bits_per_byte(s.loss) : unknown;
    for (double x : {s.loss, std::exp(s.loss), bits, s.token_accuracy, s.exact_match})
      csv += digits(x) + ',';
    csv += std::to_string(s.examples) + ',' + quoted(s.problem) + ',' + name_of(s.status) + ',' +
           quoted(s.reason) + '\n';
  }
}

}  // namespace

std::string to_csv(const Study& study) {
  std::string csv = std::string(key_columns) +
                    ",step,loss,perplexity,bits_per_byte,token_accuracy,exact_match,examples,error,"
                    "status,reason\n";
  for (const Results& r : study.panels) {
    add_lines(csv, r, r.scores);
    add_lines(csv, r, r.late_checkpoints);
    add_lines(csv, r, r.learning_curve);
  }
  return csv;
}

std::string attention_csv(const Study& study) {
  int longest = 0;
  for (const Results& r : study.panels)
    for (const AttentionScore& look : r.attention) longest = std::max(longest, look.tokens);
  if (longest == 0) return "";
  std::string csv = key_columns;
  for (const std::string& name : attention_columns(longest)) csv += ',' + name;
  for (const Results& r : study.panels)
    for (const AttentionScore& look : r.attention)
      for (const HeadLook& head : look.heads) {
        std::string line = "\n" + key_cells(r, look);
        for (const std::string& one : attention_cells(head, longest)) line += one + ',';
        line.pop_back();
        csv += line;
      }
  return csv + "\n";
}

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
              {"verdicts", array_of(verdicts(study))}}
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
  for (const auto& t : all.at("trainings")) study.trainings.push_back(training_of(t));
  for (const auto& f : all.at("failures")) study.failures.push_back({f.at("cell"), f.at("reason")});
  for (const auto& c : all.at("claims")) study.claims.push_back(claim_of(c));
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
  CellResult cell{training_of(all.at("training")), {}};
  for (const auto& p : all.at("panels")) cell.panels.push_back(panel_of(p));
  return cell;
} catch (const nlohmann::json::exception&) {
  throw FileError(path + not_ours);
} catch (const UsageError& e) { throw FileError(path + not_ours + " (" + e.what() + ")"); }

}  // namespace yonder
