#include "train/report/html/page.h"

#include <algorithm>
#include <filesystem>
#include <functional>

#include "core/error.h"
#include "core/io/files.h"
#include "core/io/json.h"
#include "train/report/html/sections.h"
#include "train/results/format.h"
#include "train/results/summary.h"

namespace yonder {
namespace {

namespace fs = std::filesystem;

// "RoPE, ALiBi and NoPE on text: trained on 64 bytes, evaluated to 1024".
std::string title_of(const Study& study, const std::string& data) {
  if (!study.title.empty()) return study.title;
  if (study.panels.empty() || study.panels.front().lengths.empty()) return study.name;
  const Results& r = study.panels.front();
  std::vector<std::string> names, tasks;
  for (const Row& row : r.rows)
    if (row.extension.empty()) names.push_back(row.printed());
  if (const std::size_t all = names.size(); all > 7) {
    names.resize(6);
    names.push_back(std::to_string(all - 6) + " more");
  }
  for (const Results& panel : study.panels)
    if (!has(tasks, panel.task)) tasks.push_back(panel.task);
  const std::string on = tasks.size() > 1          ? listed(tasks)
                         : r.text && !data.empty() ? data
                                                   : r.title();
  double times = 0;
  bool same = true;
  for (const Results& panel : study.panels) {
    same = same && panel.train_length == r.train_length;
    times = std::max(times, double(panel.longest()) / panel.train_length);
  }
  return listed(names) + " on " + on + ": " +
         (same ? fmt::format("trained on {} {}, evaluated to {}", r.train_length,
                             r.text ? "bytes" : "items", r.longest())
               : fmt::format("evaluated to {:g} times the training length", times));
}

// The texts listed in a run's folder: [{name, said, checksum}].
Json inputs_of(const std::string& run) {
  Json all = Json::array();
  if (!fs::exists(run + "/texts.txt")) return all;
  for (const std::string& line : split(read_file(run + "/texts.txt"), '\n')) {
    const auto at = line.find(" = ");
    if (at == line.npos) continue;
    const fs::path path = line.substr(at + 3);
    std::error_code gone;
    const auto size = fs::file_size(path, gone);
    const std::string name = path.filename().string();
    all.push_back({{"name", name},
                   {"said", name + (gone ? "" : fmt::format(", {:.2f} MB", double(size) / 1e6))},
                   {"checksum", line.substr(0, line.find(' '))}});
  }
  return all;
}

// "500 sequences, 16,000 bytes per score", or "".
std::string scored_by(const Results& r) {
  int examples = 0;
  std::int64_t targets = 0;
  for (const EvalScore& s : r.scores)
    examples = std::max(examples, s.examples), targets = std::max(targets, s.targets);
  if (examples == 0) return "";
  std::string text = std::to_string(examples) + " sequences";
  if (targets) text += ", " + grouped(targets) + (r.text ? " bytes" : " tokens");
  return text + " per score";
}

// "tinyshakespeare.txt, 1.12 MB · 112,000 parameters · 3 seeds".
std::string facts_of(const Study& study, const Json& inputs) {
  std::string text;
  const auto add = [&text](const std::string& more) { text += (text.empty() ? "" : " · ") + more; };
  for (const Json& i : inputs) add(i["said"]);
  std::int64_t least = 0, most = 0;
  for (const Training& t : study.trainings)
    least = least ? std::min(least, t.parameters) : t.parameters,
    most = std::max(most, t.parameters);
  const auto thousands = [](std::int64_t n) { return fmt::format("{:.0f}", double(n) / 1e3); };
  if (most)
    add((thousands(least) == thousands(most) ? "" : thousands(least) + " to ") + thousands(most) +
        " thousand parameters");
  // Only once if it is the same for all panels.
  std::vector<std::string> scored;
  for (const Results& r : study.panels) scored.push_back(scored_by(r));
  if (std::ranges::adjacent_find(scored, std::not_equal_to()) == scored.end()) {
    if (!scored.empty() && !scored[0].empty()) add(scored[0]);
  } else
    for (std::size_t i = 0; i < scored.size(); ++i)
      if (!scored[i].empty()) add(study.panels[i].title() + ": " + scored[i]);
  return text;
}

Json results_of(const Study& study, const Palette& palette, Pictures& pictures) {
  Json json = panels_of(study, [&](const Results& r, Json& panel) {
    if (r.rows.empty()) return false;
    Json figures = Json::array(), more = Json::array();
    panel["findings"] = summarize(r);
    const auto charts = headline(r, palette);
    for (const Chart& c : charts) pictures.add(&c == &charts.front() ? figures : more, c);
    panel["figures"] = figures;
    // With few encodings, their overrides are what matters.
    panel["families"] =
        more.empty() ? Json() : Json{{"open", charts.size() <= 4}, {"figures", more}};
    return true;
  });
  json["failures"] = Json::array();
  for (const Failure& f : study.failures) json["failures"].push_back(f.cell + ": " + f.reason);
  return json;
}

const char* meaning(const std::string& protocol) {
  if (protocol == "fixed-targets")
    return "The same target bytes at every length; only the context before them grows.";
  if (protocol == "non-overlapping")
    return "The text is cut into pieces of the length; every target counts, early ones with "
           "little context too.";
  if (protocol == "sliding")
    return "A window of the length slides over the text; only the targets of its last stride "
           "count.";
  return "The tokens of the answer, each given the true ones before it; exact match requires all "
         "of them.";
}

Json setup_of(const Study& study) {
  Json all = Json::array();
  for (const Results& r : study.panels) {
    all.push_back({{"name", r.title()},
                   {"said", fmt::format("trained on {}, evaluated at {}; {} {}. {}", r.train_length,
                                        lengths_of(r, ", "), r.seeds,
                                        r.seeds == 1 ? "seed" : "seeds", meaning(r.protocol))}});
  }
  return all;
}

// The scalar values of environment.json.
Json machine_of(const std::string& run) try {
  const std::string path = run + "/environment.json";
  Json all = Json::array();
  const Json machine = parse_json(read_file(path), path);
  for (const auto& [name, value] : machine.items())
    if (value.is_primitive())
      all.push_back(
          {{"name", name}, {"said", value.is_string() ? value.get<std::string>() : value.dump()}});
  return all;
} catch (const FileError&) { return Json::array({{{"name", "machine"}, {"said", "not known"}}}); }

// The yonder version that made a run; "" if it is not known.
std::string version_of(const Json& run) {
  for (const Json& line : run["machine"])
    if (line["name"] == "yonder") return line["said"];
  return "";
}

Json runs_of(const std::vector<std::string>& runs) {
  Json all = Json::array();
  for (const std::string& run : runs) {
    if (fs::is_regular_file(run)) continue;  // a results.csv alone
    const std::string path = run + "/config.toml";
    all.push_back(
        {{"heading", runs.size() > 1 ? run : ""},
         {"machine", machine_of(run)},
         {"config", fs::exists(path) ? Json{{"path", path}, {"text", read_file(path)}} : Json()}});
  }
  return all;
}

Json navigation(const Json& page) {
  const std::pair<const char*, const char*> sections[] = {
      {"results", "Summary"}, {"across", "Tasks"},      {"matrix", "All results"},
      {"solved", "Seeds"},    {"positions", "Context"}, {"attention", "Attention"},
      {"learned", "Learned"}, {"verdicts", "Verdicts"}, {"training", "Training"},
      {"protocol", "Setup"}};
  Json links = Json::array();
  for (const auto& [id, name] : sections)
    if (std::string(id) == "protocol" || !page[id].is_null())
      links.push_back({{"id", id}, {"short", name}});
  return links;
}

}  // namespace

Written write_report(const Study& study, const std::string& folder, const PageSettings& settings) {
  const Palette palette = palette_of(study);
  const std::vector<std::string> runs =
      settings.runs.empty() ? std::vector<std::string>{folder} : settings.runs;
  Pictures pictures(folder + "/plots");
  Json inputs = Json::array();
  for (const std::string& run : runs)
    for (const Json& i : inputs_of(run)) inputs.push_back(i);
  Json page{{"title", title_of(study, inputs.empty() ? "" : inputs[0]["name"])},
            {"source", study.source.empty() ? Json() : Json{{"parts", linked(study.source)}}},
            {"facts", Json::array({facts_of(study, inputs)})},
            {"notes", settings.note.empty() ? Json::array() : Json::array({settings.note})},
            {"command", study.command},
            {"setup", setup_of(study)},
            {"runs", runs_of(runs)},
            {"inputs", inputs},
            {"chart_css", asset("chart.css")},
            {"page_css", asset("page.css")},
            {"page_js", asset("page.js")}};
  page["results"] = results_of(study, palette, pictures);
  page["across"] = across_section(study, palette, pictures);
  page["matrix"] = matrix_section(study, palette);
  page["solved"] = solved_section(study, palette);
  page["positions"] = positions_section(study, palette, pictures);
  page["attention"] = attention_section(study, palette, pictures);
  page["learned"] = learned_section(study, palette, pictures, runs);
  page["verdicts"] = verdicts_section(study, palette);
  page["training"] = training_section(study, palette, pictures);
  page["nav"] = navigation(page);
  page["version"] = page["runs"].empty() ? "" : version_of(page["runs"][0]);
  page["data"] = nullptr;
  for (const char* file : {"results.csv", "attention.csv", "results.json"})
    if (fs::exists(folder + "/" + file)) page["data"]["files"].push_back({{"file", file}});
  Written written{folder + "/" + settings.file, pictures.paths()};
  write_file(written.page, rendered("page", page));
  return written;
}

}  // namespace yonder
