#include "train/evaluation/extrapolation.h"

#include <algorithm>
#include <set>

namespace yonder {
namespace {

std::string owner(const std::string& option) { return option.substr(0, option.find('.')); }

const Composition::Part* part(const Composition& encoding, const std::string& name) {
  for (const auto& p : encoding.parts())
    if (p.entry->name == name) return &p;
  return nullptr;
}

// Whether a test may set it and would see a change.
bool changes(const Composition::Part& p, const Setting& s) {
  Options options = p.encoding->options();
  const Option* o = find(options, s.option.substr(s.option.find('.') + 1));
  return o && o->test_time && text_of(*o) != s.value;
}

// Whether the modifier can't stand beside the encodings of some layer.
bool refuses(const Composition& encoding, const std::string& name) {
  for (const LayerGroup& g : groups_of(encoding.name())) {
    std::string names;
    for (const std::string& one : g.names) names += one + "+";
    try {
      Composition with(names + name);
    } catch (const UsageError&) { return true; }
  }
  return false;
}

// "rope.scaling=yarn:rope.factor=4".
Settings settings_of(const std::string& text) {
  Settings all;
  for (const std::string& one : split(text, ':')) {
    const auto equals = one.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == one.size())
      throw UsageError("--extensions: '" + one + "' in '" + text +
                       "' is no option=value; write it as in rope.scaling=yarn:rope.factor=4");
    all.push_back({one.substr(0, equals), one.substr(equals + 1)});
  }
  return all;
}

// The settings that one entry of the list stands for.
std::vector<Settings> asked(const Composition& encoding, const std::string& wanted) {
  if (wanted.find('=') != std::string::npos) return {settings_of(wanted)};
  std::vector<Settings> found;
  std::vector<std::string> known{"all"};
  for (const Setting& s : extensions_of(encoding)) {
    if (wanted == "all" || wanted == s.option || wanted == owner(s.option)) found.push_back({s});
    known.push_back(s.option);
  }
  if (!found.empty() || wanted == "all") return found;
  const std::string hint = did_you_mean(wanted, known);
  throw UsageError("--extensions: '" + wanted + "' is no extension of " + encoding.name() +
                   (hint.empty() ? "; all shows every one, option=value sets any other" : hint));
}

Row row_of(const Composition& encoding, Settings extension, const Settings& beside) {
  const Settings own = extension;
  for (const Setting& s : beside)
    if (std::none_of(own.begin(), own.end(),
                     [&](const Setting& o) { return o.option == s.option; }))
      extension.push_back(s);
  return {encoding.name(), std::move(extension)};
}

Settings joined(Settings one, const Settings& two) {
  one.insert(one.end(), two.begin(), two.end());
  return one;
}

// A generated task is tested in one way only.
std::string protocol_of(const Task& task, const std::string& wanted) {
  return task.is_text() ? wanted : "answer";
}

// The results before any test: the model, its rows and its lengths.
Study begun(const std::string& checkpoint, const std::vector<Row>& rows, const Trained& plain,
            const Settings& of_task, const EvalSettings& settings) {
  std::set<int> lengths(settings.lengths.begin(), settings.lengths.end());
  lengths.insert(plain.config.length);
  Study study{.name = "eval",
              .panels = {{.task = plain.config.task,
                          .test = Row{"", of_task}.extension_text(),
                          .protocol = protocol_of(*plain.task, name_of(settings.protocol)),
                          .text = plain.task->is_text(),
                          .trained = plain.config.length,
                          .lengths = {lengths.begin(), lengths.end()},
                          .seeds = 1,
                          .rows = rows,
                          .letters = plain.task->frequency_loss()}}};
  Results& results = study.panels[0];
  for (int length : results.lengths) results.chance.push_back(plain.task->chance(length));
  const Parameters& parameters = plain.model->parameters();
  study.trainings.push_back({.cell = checkpoint,
                             .encoding = plain.model->encoding().name(),
                             .task = plain.config.task,
                             .seed = plain.config.seed,
                             .steps = plain.step,
                             .parameters = parameters.count(),
                             .position_parameters = parameters.count("encoding.")});
  return study;
}

}  // namespace

std::vector<Setting> extensions_of(const Composition& encoding) {
  std::vector<Setting> all;
  for (const auto& p : encoding.parts())
    for (const Setting& s : p.entry->extensions)
      if (changes(p, s)) all.push_back(s);
  // A window joins the layers that lack it; the first tokens beside one, all layers; log n, which
  // training fixes, and a sharpening, a model without them.
  const auto offer = [&all](const std::string& name) {
    const auto& more = entry(name).extensions;
    all.insert(all.end(), more.begin(), more.end());
  };
  const bool sees_all = std::none_of(all.begin(), all.end(),
                                     [](const Setting& s) { return s.option == "window.size"; });
  if (sees_all && !encoding.everywhere("window")) offer("window");
  for (const char* name : {"sinks", "logn", "sharpen"})
    if (!part(encoding, name) && !refuses(encoding, name)) offer(name);
  return all;
}

bool has_extensions(const Composition& encoding) {
  const auto all = extensions_of(encoding);
  return std::any_of(all.begin(), all.end(),
                     [&](const Setting& s) { return part(encoding, owner(s.option)); });
}

std::vector<Row> extension_rows(const Composition& encoding, const std::vector<std::string>& list,
                                const Settings& beside) {
  std::vector<Row> rows{{encoding.name(), {}}};
  for (const std::string& wanted : list)
    for (const Settings& extension : asked(encoding, wanted))
      if (const Row row = row_of(encoding, extension, beside);
          std::find(rows.begin(), rows.end(), row) == rows.end())
        rows.push_back(row);
  return rows;
}

std::vector<Row> sharpened(const Composition& encoding, const std::vector<Row>& rows,
                           const std::vector<std::string>& factors) {
  const auto sharpen = entry("sharpen").make();
  Options options = sharpen->options();
  Option by = *find(options, "by");
  by.name = "--sharpen";
  std::vector<std::string> each;
  for (const std::string& factor : factors) {
    assign(by, "", factor);
    each.push_back(text_of(by));
  }
  const bool trained = part(encoding, "sharpen");  // then 1 is a change too
  std::vector<Row> all;
  for (const Row& row : rows)
    for (const std::string& factor : each) {
      Row one = row;
      const bool already =
          std::any_of(row.extension.begin(), row.extension.end(),
                      [](const Setting& s) { return owner(s.option) == "sharpen"; });
      if (!already && (trained || factor != "1")) one.extension.push_back({"sharpen.by", factor});
      if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(std::move(one));
    }
  return all;
}

Study compare(const std::string& checkpoint, const std::vector<Row>& rows, Refused refused,
              const Settings& of_task, EvalSettings settings,
              const std::function<void(int, double)>& progress, const Inputs& inputs) {
  auto model = [&](const Row& row) {
    return load(checkpoint, joined(of_task, row.extension), inputs);
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
      for (const EvalRow& e : evaluate(trained, settings, part_of_row))
        results.scores.push_back(score_of(rows[r], trained, name_of(settings.protocol), e));
    } catch (const UsageError& why) {
      if (refused == Refused::fail || rows[r].extension.empty()) throw;
      for (int length : results.lengths)
        results.scores.push_back(
            {.row = rows[r], .length = length, .status = Status::refused, .problem = why.what()});
    }
  }
  return study;
}

Score score_of(const Row& row, const Trained& trained, const std::string& protocol,
               const EvalRow& e) {
  return {.row = row,
          .protocol = protocol_of(*trained.task, protocol),
          .length = e.length,
          .tokens = e.tokens,
          .seed = trained.config.seed,
          .loss = e.loss,
          .accuracy = e.token_accuracy,
          .exact = e.exact_match,
          .examples = e.examples,
          .status = e.status,
          .reason = e.reason,
          .problem = e.problem};
}

}  // namespace yonder
