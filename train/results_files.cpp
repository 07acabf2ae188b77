#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/files.h"
#include "train/results.h"

namespace yonder {
namespace {

using Json = nlohmann::ordered_json;

const char* const not_ours = ": these are no results of yonder; make them again with yonder ablate";

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

Json json_of(const Score& s) {
  return {{"encoding", s.row.encoding},
          {"extension", s.row.extension_text()},
          {"protocol", s.protocol},
          {"length", s.length},
          {"tokens", s.tokens},
          {"seed", s.seed},
          {"loss", s.loss},
          {"accuracy", s.accuracy},
          {"exact", s.exact},
          {"examples", s.examples},
          {"problem", s.problem}};
}

Row row_of(const nlohmann::json& json) {
  const std::string extension = json.at("extension");
  return parse_rows(json.at("encoding").get<std::string>() +
                    (extension.empty() ? "" : ":" + extension))[0];
}

Score score_of(const nlohmann::json& json) {
  return {.row = row_of(json),
          .protocol = json.at("protocol"),
          .length = json.at("length"),
          .tokens = json.at("tokens"),
          .seed = json.at("seed"),
          .loss = number(json.at("loss")),
          .accuracy = number(json.at("accuracy")),
          .exact = number(json.at("exact")),
          .examples = json.at("examples"),
          .problem = json.at("problem")};
}

Json json_of(const Training& t) {
  return {{"cell", t.cell},
          {"encoding", t.encoding},
          {"seed", t.seed},
          {"steps", t.steps},
          {"seconds", t.seconds},
          {"parameters", t.parameters},
          {"position_parameters", t.position_parameters}};
}

Training training_of(const nlohmann::json& json) {
  return {.cell = json.at("cell"),
          .encoding = json.at("encoding"),
          .seed = json.at("seed"),
          .steps = json.at("steps"),
          .seconds = json.at("seconds"),
          .parameters = json.at("parameters"),
          .position_parameters = json.at("position_parameters")};
}

Json summary(const Results& results) {
  Json all = Json::array();
  for (const Row& row : results.rows)
    for (int length : results.lengths)
      for (const Measure& m : results.measures()) {
        const Spread s = results.at(row, length, m);
        all.push_back({{"row", row.label()},
                       {"length", length},
                       {"measure", m.name},
                       {"median", s.median},
                       {"least", s.least},
                       {"most", s.most},
                       {"seeds", s.count},
                       {"worse", results.worse(row, length, m)}});
      }
  return all;
}

}  // namespace

std::string to_csv(const Results& results) {
  std::string csv =
      "encoding,extension,task,protocol,length,tokens,seed,trained,loss,perplexity,accuracy,"
      "exact,examples,problem\n";
  for (const Score& s : results.scores) {
    const std::string extension = s.row.extension_text();
    for (const std::string& text : {s.row.encoding, extension, results.task, s.protocol})
      csv += quoted(text) + ',';
    for (int n : {s.length, s.tokens, s.seed, results.trained}) csv += std::to_string(n) + ',';
    for (double x : {s.loss, std::exp(s.loss), s.accuracy, s.exact}) csv += digits(x) + ',';
    csv += std::to_string(s.examples) + ',' + quoted(s.problem) + '\n';
  }
  return csv;
}

std::string to_json(const Results& results) {
  Json rows = Json::array(), scores = rows, trainings = rows, failures = rows;
  for (const Row& r : results.rows)
    rows.push_back(
        {{"encoding", r.encoding}, {"extension", r.extension_text()}, {"label", r.label()}});
  for (const Score& s : results.scores) scores.push_back(json_of(s));
  for (const Training& t : results.trainings) trainings.push_back(json_of(t));
  for (const Failure& f : results.failures)
    failures.push_back({{"cell", f.cell}, {"reason", f.reason}});
  return Json{{"format", 1},
              {"task", results.task},
              {"text", results.text},
              {"trained", results.trained},
              {"lengths", results.lengths},
              {"seeds", results.seeds},
              {"chance", results.chance},
              {"letters", results.letters},
              {"rows", rows},
              {"summary", summary(results)},
              {"scores", scores},
              {"trainings", trainings},
              {"failures", failures}}
             .dump(1) +
         "\n";
}

Results results_from_json(const std::string& json, const std::string& path) try {
  const auto all = parse_json(json, path);
  Results results{.task = all.at("task"),
                  .text = all.at("text"),
                  .trained = all.at("trained"),
                  .lengths = all.at("lengths"),
                  .seeds = all.at("seeds"),
                  .letters = number(all.at("letters"))};
  for (const auto& share : all.at("chance")) results.chance.push_back(number(share));
  for (const auto& row : all.at("rows")) results.rows.push_back(row_of(row));
  for (const auto& s : all.at("scores")) results.scores.push_back(score_of(s));
  for (const auto& t : all.at("trainings")) results.trainings.push_back(training_of(t));
  for (const auto& f : all.at("failures"))
    results.failures.push_back({f.at("cell"), f.at("reason")});
  return results;
} catch (const nlohmann::json::exception&) { throw FileError(path + not_ours); }

std::string to_json(const CellResult& cell) {
  Json scores = Json::array();
  for (const Score& s : cell.scores) scores.push_back(json_of(s));
  return Json{{"training", json_of(cell.training)}, {"scores", scores}}.dump(1) + "\n";
}

CellResult cell_from_json(const std::string& json, const std::string& path) try {
  const auto all = parse_json(json, path);
  CellResult cell{training_of(all.at("training")), {}};
  for (const auto& s : all.at("scores")) cell.scores.push_back(score_of(s));
  return cell;
} catch (const nlohmann::json::exception&) { throw FileError(path + not_ours); }

}  // namespace yonder
