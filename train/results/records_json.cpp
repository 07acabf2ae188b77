#include "train/results/records_json.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/json.h"
#include "train/config/keys.h"

namespace yonder {
namespace {

using Json = nlohmann::ordered_json;

// json.get() alone would silently truncate fractions and integers that are out of range.
template <class Whole>
Whole whole_of(const nlohmann::json& json) {
  const double x = json.get<double>(), exact = 0x1p53;
  const double most = std::min(exact, double(std::numeric_limits<Whole>::max()));
  if (!json.is_number_integer() || std::abs(x) > most)
    throw UsageError(json.dump() + " is not a whole number that a study has");
  return json.get<Whole>();
}

Json settings_json(const Overrides& settings) {
  Json json = Json::object();
  for (const auto& [key, value] : settings) json[text_of(key)] = yonder::json_of(value);
  return json;
}

// Results of earlier versions store numbers as strings.
Overrides settings_of(const nlohmann::json& json) {
  Overrides all;
  for (const auto& [option, value] : json.items()) {
    const OptionKey key = find_key(option).value_or(option);
    all.push_back({key, typed(key, value_of(value, option))});
  }
  return all;
}

// Writes the fields of a record to JSON, NaN as null.
struct Writer {
  Json json = Json::object();

  void row(const Row& row) { json.update(json_of(row)); }
  void operator()(const char* name, Status s) { json[name] = name_of(s); }
  void operator()(const char* name, const Overrides& all) { json[name] = settings_json(all); }
  template <class T>
  void operator()(const char* name, const T& field) {
    json[name] = field;
  }
  template <class T>
  void added(const char* name, const T& field) {
    (*this)(name, field);
  }
};

// Reads them back. Fields that earlier versions lack keep their defaults.
struct Reader {
  const nlohmann::json& json;

  void row(Row& row) { row = records::row_of(json); }
  void operator()(const char* name, int& field) { field = records::whole(json.at(name)); }
  void operator()(const char* name, std::int64_t& field) {
    field = whole_of<std::int64_t>(json.at(name));
  }
  void operator()(const char* name, double& field) { field = records::number(json.at(name)); }
  void operator()(const char* name, bool& field) { field = json.at(name); }
  void operator()(const char* name, std::string& field) { field = json.at(name); }
  void operator()(const char* name, std::vector<double>& field) {
    field = records::numbers(json.at(name));
  }
  void operator()(const char* name, Overrides& field) {
    if (json.contains(name)) field = settings_of(json[name]);
  }
  // A field that earlier results of the same format may lack.
  template <class T>
  void added(const char* name, T& field) {
    if (json.contains(name)) (*this)(name, field);
  }
  // Formats 1 and 2 have no status, only the sentence of an error.
  void operator()(const char* name, Status& field) {
    if (!json.contains(name)) {
      if (!std::string(json.at("error")).empty()) field = Status::undefined;
      return;
    }
    for (const Status status : every_status)
      if (json[name] == name_of(status)) return void(field = status);
    throw UsageError("a score has the status " + json[name].dump());
  }
};

template <class Fields>
void visit(EvalScore& s, Fields& field) {
  field.row(s.row);
  field("eval_length", s.length), field("eval_tokens", s.tokens);
  field("seed", s.seed), field("step", s.step);
  field("loss", s.loss), field("token_accuracy", s.token_accuracy);
  field("exact_match", s.exact_match), field("examples", s.examples);
  field.added("targets", s.targets);
  field.added("loss_low", s.loss_low), field.added("loss_high", s.loss_high);
  field("status", s.status), field("reason", s.reason), field("error", s.problem);
}

template <class Fields>
void visit(Curve& c, Fields& field) {
  field.row(c.row), field("seed", c.seed), field("loss", c.loss);
}

template <class Fields>
void visit(LagScore& l, Fields& field) {
  field.row(l.row), field("seed", l.seed), field("eval_length", l.length);
  field("from", l.from), field("to", l.to);
  field("token_accuracy", l.token_accuracy), field("count", l.count);
}

template <class Fields>
void visit(HeadStatistics& h, Fields& field) {
  field("layer", h.layer), field("head", h.head), field("rows", h.rows);
  for (const HeadNumber& n : head_numbers) field(n.name, h.*n.value);
  field("by_distance", h.by_distance);
}

template <class Fields>
void visit(AttentionScore& a, Fields& field) {
  field.row(a.row), field("seed", a.seed);
  field("eval_length", a.length), field("eval_tokens", a.tokens);
}

template <class Fields>
void visit(Training& t, Fields& field) {
  field("cell", t.cell), field("encoding", t.encoding), field("task", t.task);
  field("config", t.variant), field("seed", t.seed), field("steps", t.steps), field("lr", t.lr);
  field("settings", t.settings), field("validation", t.validation), field("trial", t.trial);
  field("seconds", t.seconds), field("tokens_per_second", t.tokens_per_second);
  field("parameters", t.parameters), field("position_parameters", t.position_parameters);
  field.added("depth", t.depth);
  field("loss", t.loss);
}

template <class Record>
Json written(Record record) {
  Writer writer;
  visit(record, writer);
  return std::move(writer.json);
}

template <class Record>
Record read(const nlohmann::json& json) {
  Record record;
  Reader reader{json};
  visit(record, reader);
  return record;
}

}  // namespace

Json json_of(const Row& r) { return {{"encoding", r.encoding}, {"overrides", r.extension_text()}}; }

Json json_of(const EvalScore& s) { return written(s); }
Json json_of(const Curve& c) { return written(c); }
Json json_of(const LagScore& l) { return written(l); }
Json json_of(const Training& t) { return written(t); }

Json json_of(const AttentionScore& a) {
  Json json = written(a), heads = Json::array();
  for (const HeadStatistics& h : a.heads) {
    heads.push_back(written(h));
    for (const double mass : h.map)  // four digits are enough for a plot, and short
      heads.back()["map"].push_back(std::round(1e4 * mass) / 1e4);
  }
  json["heads"] = std::move(heads);
  return json;
}

namespace records {

double number(const nlohmann::json& json) { return json.is_null() ? unknown : json.get<double>(); }

std::vector<double> numbers(const nlohmann::json& json) {
  std::vector<double> all;
  for (const auto& one : json) all.push_back(number(one));
  return all;
}

int whole(const nlohmann::json& json) { return whole_of<int>(json); }

std::vector<int> wholes(const nlohmann::json& json) {
  std::vector<int> all;
  for (const auto& one : json) all.push_back(whole(one));
  return all;
}

Row row_of(const nlohmann::json& json) {
  const std::string encoding = json.at("encoding"), extension = json.at("overrides");
  if (encoding.empty()) throw UsageError("a row has no encoding");
  Row row = parse_row(encoding + (extension.empty() ? "" : ":" + extension));
  row.label();  // throws if unknown
  return row;
}

EvalScore score_of(const nlohmann::json& json, const std::string& protocol) {
  EvalScore score;
  if (json.contains("status")) score = read<EvalScore>(json);
  else {  // only the sentence tells why
    nlohmann::json with = json;
    with["reason"] =
        std::string(json.at("error")).find("table") == std::string::npos ? "" : "table ends";
    score = read<EvalScore>(with);
  }
  score.protocol = protocol;
  return score;
}

AttentionScore attention_of(const nlohmann::json& json) {
  auto score = read<AttentionScore>(json);
  for (const auto& head : json.at("heads")) {
    score.heads.push_back(read<HeadStatistics>(head));
    if (head.contains("map")) score.heads.back().map = records::numbers(head["map"]);
  }
  return score;
}

Training training_of(const nlohmann::json& json) {
  auto training = read<Training>(json);
  if (!training.encoding.empty()) Row{training.encoding, {}}.label();  // throws if unknown
  return training;
}

Curve curve_of(const nlohmann::json& json) { return read<Curve>(json); }
LagScore lag_of(const nlohmann::json& json) { return read<LagScore>(json); }

}  // namespace records
}  // namespace yonder
