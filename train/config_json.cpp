#include "train/config_json.h"

#include "models/checkpoint.h"

namespace yonder {
using nlohmann::ordered_json;

ordered_json task_json(const Trained& run) {
  ordered_json task{{"name", run.config.task}, {"length", run.config.length}};
  for (const Option& o : run.task->options()) task[o.name] = json_of(o);
  if (run.before) task["from"] = {{"length", run.before->length}, {"step", run.before->step}};
  return task;
}

RunConfig resolved(const Trained& run) {
  RunConfig config = run.config;
  config.mlp = run.model->dims().mlp;
  config.options.clear();
  for (const auto& part : run.model->encoding().parts())
    for (const Option& o : part.encoding->options())
      config.options.push_back({part.entry->name + "." + o.name, text_of(o)});
  for (const Option& o : run.task->options())
    config.options.push_back({config.task + "." + o.name, text_of(o)});
  return config;
}

ordered_json config_json(const Trained& run) {
  RunConfig config = run.config;
  config.mlp = run.model->dims().mlp;
  ordered_json json{{"yonder", YONDER_VERSION},
                    {"task", config.task},
                    {"encoding", config.encoding},
                    {"length", config.length}};
  if (!config.from.empty()) json["from"] = config.from;
  for (const Option& o : config.model_fields()) json[o.name] = json_of(o);
  json["bidirectional"] = config.bidirectional;
  json["tied"] = config.tied;
  for (const Option& o : config.training_fields()) json[o.name] = json_of(o);
  ordered_json options = ordered_json::object();
  for (const auto& part : run.model->encoding().parts())
    for (const Option& o : part.encoding->options())
      options[part.entry->name + "." + o.name] = json_of(o);
  for (const Option& o : run.task->options()) options[config.task + "." + o.name] = json_of(o);
  json["options"] = std::move(options);
  return json;
}

}  // namespace yonder
