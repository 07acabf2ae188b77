#include "train/export/export.h"

#include <cstdio>
#include <filesystem>

#include "core/io/files.h"
#include "models/checkpoint.h"
#include "train/cli/command_line.h"
#include "train/cli/commands.h"
#include "train/training/run_dir.h"

namespace yonder {
namespace {

// The names of a task's tokens, unique and without blanks; empty for texts, whose tokens are bytes
// and whose files may be missing.
std::vector<std::string> names_of_tokens(const Checkpoint& checkpoint, const std::string& path) {
  if (make_task(checkpoint.origin.task.at("name"))->is_text()) return {};
  const Trained run = load(path);
  std::vector<std::string> names;
  for (int t = 0; t < run.task->vocabulary(); ++t) {
    std::string name = run.task->spelled(t);
    const bool taken = has(names, name);
    if (taken || name.empty() || name.find_first_of(" \t\n") != name.npos)
      name = "<" + std::to_string(t) + ">";
    names.push_back(std::move(name));
  }
  return names;
}

// Writes all files of a folder or none.
void write_folder(const std::string& out, const std::map<std::string, std::string>& files) {
  const std::string begun = out + ".part";
  try {
    make_folders(begun);
    for (const auto& [name, content] : files) write_file(begun + "/" + name, content);
    replace_folder(out, begun);
  } catch (const DiskError&) {
    remove_all(begun);
    throw;
  }
}

}  // namespace

ExitCode export_command(const Arguments& arguments) {
  std::string path, out, to = "hf";
  int length = 0;
  Overrides options;
  CommandLine line("export", "writes a model for Hugging Face's transformers or for llama.cpp",
                   {"yonder export runs/text --to hf --out model",
                    "yonder export runs/text --to gguf --out model.gguf",
                    "yonder export runs/text --to hf --out model --rope.scaling yarn "
                    "--rope.factor 4"});
  line.argument("DIR", path, "a run's folder (its last checkpoint is used) or a checkpoint",
                CommandLine::Presence::required);
  line.add(
      "Export",
      {Option{"to", &to, "folder for transformers, or file for llama.cpp"}.one_of({"hf", "gguf"}),
       Option{"out", &out, "folder or file to write; must not exist yet"}.takes("PATH"),
       Option{"length", &length, "longest input in tokens, for models exported as tables"}
           .within(0, 1 << 20)
           .shown_as("4096, or the size of the model's table")});
  line.encodings(options, CommandLine::When::testing);
  if (!line.parse(arguments)) return ExitCode::ok;
  while (out.size() > 1 && out.ends_with('/')) out.pop_back();
  if (out.empty()) throw UsageError("export: --out is missing; name a folder or a file");
  std::error_code error;
  if (std::filesystem::exists(out, error))
    throw UsageError("export: there is a " + out + " already; remove it or choose another --out");
  const std::string file = RunFolder::checkpoint_in(path);
  const Checkpoint checkpoint = load_model(file, options);
  const Exported exported{.tokens = names_of_tokens(checkpoint, file),
                          .name = checkpoint.model->encoding().name(),
                          .most = length};
  if (to == "hf") write_folder(out, hugging_face(*checkpoint.model, exported));
  else write_file(out, gguf(*checkpoint.model, exported));
  std::printf("%s\n", out.c_str());
  return ExitCode::ok;
}

}  // namespace yonder
