#include "train/cli/program.h"

#include <cstdio>
#include <set>

#include "core/error.h"
#include "core/options.h"
#include "core/renamed.h"
#include "train/cli/commands.h"
#include "train/system/mpi.h"

namespace yonder {
namespace {

/// Whether a command shares its work among the ranks that mpirun started.
enum class AtOnce { one, many };

struct Command {
  const char* name;
  const char* summary;
  ExitCode (*run)(const Arguments&);
  AtOnce at_once = AtOnce::one;
  const char* alias = "";
};

const Command commands[] = {
    {"train", "trains one model and saves it in a folder", train_command, AtOnce::many},
    {"sweep", "trains encodings, evaluates them at longer lengths and compares (alias: ablate)",
     sweep_command, AtOnce::many, "ablate"},
    {"eval", "evaluates a trained model, also beyond its training length", eval_command},
    {"logits", "writes a model's logits and gradients, to compare with other code", logits_command},
    {"search", "searches for LongRoPE's rescale factors for a model with rope", search_command},
    {"sample", "generates text, or answers to examples of a task", sample_command},
    {"export", "writes a model for Hugging Face's transformers or for llama.cpp", export_command},
    {"report", "writes the report page or tables of a sweep, or of several", report_command},
    {"data", "describes a task and prints samples", data_command},
    {"bench", "measures training, evaluation and matmul speed", bench_command, AtOnce::many},
    {"list", "lists encodings, tasks or presets, one line each", list_command},
    {"show", "describes an encoding, task, preset, run or sweep", show_command},
    {"check", "checks that an encoding keeps the rules that all must keep", check_command},
    {"completion", "prints a completion script for bash, zsh or fish", completion_command},
};

void print_help(std::FILE* where) {
  std::fputs(
      "yonder: how do positional encodings extrapolate beyond the training length?\n\n"
      "Examples\n"
      "  yonder train --task copy --encoding rope --train-length 16 --steps 1000 --out runs/first\n"
      "  yonder eval runs/first --eval-lengths 16,32,64\n"
      "  yonder eval runs/first --rope.scaling ntk --rope.factor 4\n\n"
      "Commands\n",
      where);
  for (const Command& v : commands) std::fprintf(where, "  %-12s%s\n", v.name, v.summary);
  std::fputs(
      "\nyonder COMMAND --help shows the common flags, --help-all all of them; yonder --version "
      "the version.\n",
      where);
}

// The command that the arguments begin with, or null for --help and the like.
const Command* find_command(const Arguments& arguments) {
  const std::string& name = arguments[0];
  std::vector<std::string> names{"--help", "--version"};
  if (name == "--help" || name == "-h" || name == "--version") return nullptr;
  for (const Command& v : commands) {
    names.push_back(v.name);
    if (name != v.name && name != v.alias) continue;
    if (ranks::count() > 1 && v.at_once == AtOnce::one)
      throw UsageError(name + ": it does not run on several ranks; start it without mpirun");
    return &v;
  }
  const std::string hint = did_you_mean(name, names);
  throw UsageError("there is no command '" + name + "'" +
                   (hint.empty() ? "; see yonder --help" : hint));
}

// The command and its flags, a line each: ranks that differ in them would deadlock.
std::string shape_of(const Arguments& arguments) {
  std::set<std::string> flags;
  for (const std::string& a : arguments)
    if (a.starts_with("-")) flags.insert(a.substr(0, a.find('=')));
  std::string text = arguments.empty() ? "" : arguments[0];
  for (const std::string& flag : flags) text += "\n" + flag;
  return text;
}

ExitCode dispatch(const Arguments& arguments) {
  ranks::require_same_program();
  ranks::require_same("the command", shape_of(arguments));
  if (arguments.empty()) return print_help(stderr), ExitCode::usage;
  const Command* command = nullptr;
  ranks::run_collectively([&] { command = find_command(arguments); });
  if (command) return command->run({arguments.begin() + 1, arguments.end()});
  if (arguments[0] == "--version") return std::puts("yonder " YONDER_VERSION), ExitCode::ok;
  return print_help(stdout), ExitCode::ok;
}

void say(const std::string& sentence) {
  const std::string who =
      ranks::rank() > 0 ? "rank " + std::to_string(ranks::rank()) + ": " : std::string();
  std::fprintf(stderr, "yonder: %s%s\n", who.c_str(), sentence.c_str());
}

// Runs the command and returns its exit code. An error of one rank ends all of them.
ExitCode run(const Arguments& arguments) {
  try {
    const ExitCode code = dispatch(arguments);
    if (code == ExitCode::ok && ranks::rank() == 0)
      for (const std::string& note : renamed_notes()) say(note);
    if (std::fflush(stdout) != 0) throw DiskError("the output can't be written; is the disk full?");
    return code;
  } catch (const SharedError& e) {
    if (ranks::rank() == 0) say(e.what());
    return e.code;
  } catch (...) {
    const ExitStatus status = current_exit_status();
    say(status.text);
    if (ranks::count() > 1) ranks::abort(status.code);
    return status.code;
  }
}

}  // namespace

int run_program(int count, char** words) {
  try {
    const ranks::MpiSession session;
    return int(run({words + 1, words + count}));
  } catch (const UsageError& e) {
    say(e.what());
    return int(ExitCode::usage);
  }
}

}  // namespace yonder
