#include "train/training/run_record.h"

#include <algorithm>

#include "models/checkpoint.h"

namespace yonder {
using nlohmann::ordered_json;

ordered_json task_json(const Trained& run) {
  ordered_json task{{"name", run.config.task}, {"length", run.config.length}};
  for (const Option& o : run.task->options()) task[o.name] = json_of(o);
  if (const std::string sum = run.task->checksum(); !sum.empty()) task["checksum"] = sum;
  if (run.before) task["from"] = {{"length", run.before->length}, {"step", run.before->step}};
  return task;
}

RunConfig resolved(const Trained& run) {
  RunConfig config = run.config;
  config.mlp = run.model->dims().mlp;
  const Settings given = std::move(config.options);
  config.options.clear();
  for (const Option& o : run.model->encoding().options())
    config.options.push_back({o.name, text_of(o)});
  for (const Option& o : run.task->options())
    config.options.push_back({config.task + "." + o.name, text_of(o)});
  for (const Setting& s : given)  // of an encoding that is not in force now
    if (config.changes() && std::none_of(config.options.begin(), config.options.end(),
                                         [&s](const Setting& o) { return o.option == s.option; }))
      config.options.push_back(s);
  return config;
}

ordered_json config_json(const Trained& run) {
  RunConfig config = run.config;
  config.mlp = run.model->dims().mlp;
  ordered_json json{{"yonder", YONDER_VERSION},
                    {"task", config.task},
                    {"encoding", config.encoding},
                    {"length", config.length}};
  if (config.changes())
    for (const Option& o : config.change_fields()) json[o.name] = json_of(o);
  if (!config.from.empty()) json["from"] = config.from;
  for (const Option& o : config.model_fields()) json[o.name] = json_of(o);
  json["bidirectional"] = config.bidirectional;
  json["tied"] = config.tied;
  for (const Option& o : config.training_fields()) json[o.name] = json_of(o);
  ordered_json options = ordered_json::object();
  for (const Option& o : run.model->encoding().options()) options[o.name] = json_of(o);
  for (const Option& o : run.task->options()) options[config.task + "." + o.name] = json_of(o);
  json["options"] = std::move(options);
  return json;
}

}  // namespace yonder
