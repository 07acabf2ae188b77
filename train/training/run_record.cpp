#include "train/training/run_record.h"

#include <utility>

#include "core/io/json.h"
#include "core/renamed.h"
#include "train/config/keys.h"

namespace yonder {
using nlohmann::json;
using nlohmann::ordered_json;

namespace {

// "width" for "model.width"; only the keys of the switch between encodings keep their section.
std::string name_in_record(const OptionKey& key) {
  return key.owner == "encoding" ? text_of(key) : key.name;
}

// Records of earlier versions have former names, and names with '-'.
const json* value_in(const json& record, const Option& o) {
  const std::string name = name_in_record(o.name),
                    before = name_in_record({OptionKey(o.name).owner, {}, o.former});
  for (const std::string& one : {name, kebab_case(name), before, kebab_case(before)})
    if (const auto found = record.find(one); found != record.end()) return &*found;
  return nullptr;
}

}  // namespace

ordered_json task_json(const Trained& run) {
  ordered_json task{{"name", run.config.task}, {"length", run.config.train_length}};
  for (const Option& o : run.task->options()) task[o.name] = json_of(value_of(o));
  if (const std::string sum = run.task->checksum(); !sum.empty()) task["checksum"] = sum;
  if (run.before) task["from"] = {{"length", run.before->length}, {"step", run.before->step}};
  return task;
}

RunConfig resolved(const Trained& run) {
  RunConfig config = run.config;
  config.mlp = run.model->dims().mlp;
  config.set_design(run.model->dims().block);
  const Overrides given = std::exchange(config.options, run.model->encoding().values());
  for (const Option& o : run.task->options())
    config.options.push_back({{config.task, {}, o.name}, value_of(o)});
  for (const Override& o : given)  // of an encoding that is not in use now
    if (config.changes() && !find(config.options, o.key)) config.options.push_back(o);
  return config;
}

nlohmann::json record_of(const RunConfig& config) {
  ordered_json record{{"yonder", YONDER_VERSION}, {"options", ordered_json::object()}};
  for (const OptionView& o : config.fields()) record[name_in_record(o.name)] = json_of(o.value);
  for (const auto& [key, value] : config.options)
    record["options"][text_of(key)] = json_of(typed(key, value));
  // As read back from a file: a path may contain bytes that are not UTF-8.
  return json::parse(record.dump(-1, ' ', false, json::error_handler_t::replace));
}

RunConfig config_of(const json& record) {
  const WithoutNotes silent;
  RunConfig config;
  for (const Option& o : config.fields())
    if (const json* value = value_in(record, o)) assign(o, "", value_of(*value, o.name));
  for (const auto& [option, value] : record.at("options").items())
    config.options.push_back({option, typed(option, value_of(value, option))});
  return config;
}

std::string unlike(const RunConfig& now, const json& record) {
  const json one = record_of(now);
  json two = record_of(config_of(record));
  two["yonder"] = record.value("yonder", json());
  std::string first;
  const auto compare = [&first](const std::string& key, const json& x, const json& y) {
    if (x != y && first.empty()) first = key + " " + y.dump() + " and not " + x.dump();
  };
  compare("yonder", one["yonder"], two["yonder"]);
  for (const OptionView& o : now.fields())
    if (const std::string key = name_in_record(o.name); o.affects_result)
      compare(key, one[key], two[key]);
  for (const json& side : {one["options"], two["options"]})
    for (const auto& [key, value] : side.items())
      if (OptionKey(key).name != "path")  // a text may move; its checksum is compared elsewhere
        compare(key, one["options"].value(key, json()), two["options"].value(key, json()));
  return first;
}

}  // namespace yonder
