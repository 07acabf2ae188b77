#include "train/evaluation/extrapolation.h"

#include <algorithm>
#include <set>

#include "train/config/keys.h"

namespace yonder {
namespace {

const Composition::Component* part(const Composition& encoding, const std::string& name) {
  for (const auto& p : encoding.components())
    if (p.entry->name == name) return &p;
  return nullptr;
}

bool is_of_test(const Composition::Component& p, const OptionKey& key) {
  const auto o = find(p.encoding->options(), key.name);
  return o && o->inference_time;
}

// The overrides that one entry of the list stands for.
std::vector<Overrides> asked(const Composition& encoding, const std::string& wanted) {
  if (wanted.find('=') != wanted.npos)
    return {parse_overrides(wanted, "--extensions", "rope.scaling=yarn:rope.factor=4")};
  std::vector<Overrides> found;
  std::vector<std::string> known{"all"};
  for (const Override& o : extensions_of(encoding)) {
    const std::string option = text_of(o.key);
    if (wanted == "all" || wanted == option || wanted == o.key.owner) found.push_back({o});
    known.push_back(option);
  }
  if (!found.empty() || wanted == "all") return found;
  const std::string hint = did_you_mean(wanted, known);
  throw UsageError("--extensions: '" + wanted + "' is not an extension of " + encoding.name() +
                   (hint.empty() ? "; 'all' tries every one, option=value sets any option" : hint));
}

Row row_of(const Composition& encoding, const Overrides& extension, const Overrides& beside) {
  Row row{encoding.name(), extension};
  for (const Override& o : beside)
    if (!find(extension, o.key)) row.extension.push_back(o);
  return row;
}

// A generated task has only one protocol.
std::string protocol_of(const Task& task, const std::string& wanted) {
  return task.is_text() ? wanted : "answer";
}

// The study before any evaluation: the model, its rows and its lengths.
Study begun(const std::string& checkpoint, const std::vector<Row>& rows, const Trained& plain,
            const Overrides& of_task, const EvalSettings& settings) {
  std::set<int> lengths(settings.lengths.begin(), settings.lengths.end());
  lengths.insert(plain.config.train_length);
  Study study{.name = "eval",
              .panels = {{.task = plain.config.task,
                          .test = text_of(of_task),
                          .protocol = protocol_of(*plain.task, text_of(settings.protocol)),
                          .text = plain.task->is_text(),
                          .train_length = plain.config.train_length,
                          .train_steps = plain.step,
                          .lengths = {lengths.begin(), lengths.end()},
                          .bins = settings.bins,
                          .seeds = 1,
                          .rows = rows,
                          .unigram_loss = plain.task->unigram_loss(),
                          .bytes_per_token = plain.task->bytes_per_token()}}};
  Results& results = study.panels[0];
  for (int length : results.lengths)
    results.chance.push_back(chance_accuracy(*plain.task, shortest(length, settings.bins), length));
  const Parameters& parameters = plain.model->parameters();
  study.trainings.push_back({.cell = checkpoint,
                             .encoding = plain.model->encoding().name(),
                             .task = plain.config.task,
                             .seed = plain.config.seed,
                             .steps = plain.step,
                             .parameters = parameters.count(),
                             .position_parameters = plain.model->position_parameters(),
                             .depth = plain.model->depth()});
  return study;
}

}  // namespace

Overrides extensions_of(const Composition& encoding) {
  Overrides all;
  for (const auto& p : encoding.components())
    for (const Override& o : p.entry->extensions)
      if (changes_at_inference(*p.encoding, o)) all.push_back(o);
  // A modifier is added to the layers that lack it, unless training has fixed its option in others.
  for (const Entry& e : registry()) {
    if (e.joins_at_inference.empty() || everywhere(encoding.groups(), e.name)) continue;
    const Composition::Component* there = part(encoding, e.name);
    if (!there && encoding.refusal_of(e.name)) continue;
    for (const Override& o : e.extensions)
      if (!find(all, o.key) && (!there || is_of_test(*there, o.key))) all.push_back(o);
  }
  return all;
}

bool has_extensions(const Composition& encoding) {
  const auto all = extensions_of(encoding);
  return std::ranges::any_of(all, [&](const Override& o) { return part(encoding, o.key.owner); });
}

std::vector<Row> extension_rows(const Composition& encoding, const std::vector<std::string>& list,
                                const Overrides& beside) {
  std::vector<Row> rows{{encoding.name(), {}}};
  for (const std::string& wanted : list)
    for (const Overrides& extension : asked(encoding, wanted))
      if (const Row row = row_of(encoding, extension, beside); !has(rows, row)) rows.push_back(row);
  return rows;
}

std::vector<Row> sharpened(const Composition& encoding, const std::vector<Row>& rows,
                           const std::vector<std::string>& factors) {
  const OptionKey& key = override_of(Baseline::factor).key;
  const auto sharpen = entry(key.owner).make();
  Option by = *find(sharpen->options(), key.name);
  by.name = "--sharpen";
  std::vector<Value> each;
  for (const std::string& factor : factors) {
    assign(by, "", factor);
    each.push_back(value_of(by));
  }
  const bool trained = part(encoding, key.owner);  // then 1 is a change too
  std::vector<Row> all;
  for (const Row& row : rows)
    for (const Value& factor : each) {
      Row one = row;
      const bool already = std::ranges::any_of(
          row.extension, [&key](const Override& o) { return o.key.owner == key.owner; });
      if (!already && (trained || text_of(factor) != "1")) one.extension.push_back({key, factor});
      if (!has(all, one)) all.push_back(std::move(one));
    }
  return all;
}

Study compare(const std::string& checkpoint, const std::vector<Row>& rows, Refused refused,
              const Overrides& of_task, EvalSettings settings,
              const std::function<void(int, double)>& progress, const Inputs& inputs) {
  auto model = [&](const Row& row) {
    return load(checkpoint, concatenated(of_task, row.extension), inputs);
  };
  Study study = begun(checkpoint, rows, model({}), of_task, settings);
  Results& results = study.panels[0];
  settings.lengths = results.lengths;
  if (refused == Refused::fail)
    for (const Row& row : rows) model(row);  // before any time is spent on the others
  for (std::size_t r = 0; r < rows.size(); ++r) {
    try {
      Trained trained = model(rows[r]);
      auto part_of_row = [&](int i, double part) {
        if (progress) progress(int(r), (i + part) / double(results.lengths.size()));
      };
      for (const EvalRow& e : evaluate(trained, settings, part_of_row)) {
        results.scores.push_back(score_of(rows[r], trained, text_of(settings.protocol), e));
        add_attention(results, rows[r], trained.config.seed, e);
      }
    } catch (const UsageError& why) {
      if (refused == Refused::fail || rows[r].extension.empty()) throw;
      for (int length : results.lengths)
        results.scores.push_back(
            {.row = rows[r], .length = length, .status = Status::refused, .problem = why.what()});
    }
  }
  return study;
}

EvalScore score_of(const Row& row, const Trained& trained, const std::string& protocol,
                   const EvalRow& e) {
  const Interval sequences = bootstrap_of_sequences(e.sequence_loss, e.sequence_targets);
  EvalScore score = e;
  score.row = row, score.protocol = protocol_of(*trained.task, protocol);
  score.seed = trained.config.seed;
  score.loss_low = sequences.low, score.loss_high = sequences.high;
  return score;
}

void add_attention(Results& results, const Row& row, int seed, const EvalRow& e) {
  if (const std::vector<HeadStatistics> heads = looks(e.attention); !heads.empty())
    results.attention.push_back({row, seed, e.length, e.tokens, heads});
}

}  // namespace yonder
