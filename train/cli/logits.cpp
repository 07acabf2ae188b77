#include <fmt/core.h>
#include <algorithm>
#include <filesystem>
#include <functional>
#include <optional>

#include "core/io/files.h"
#include "core/io/npy.h"
#include "core/io/safetensors.h"
#include "core/ops/ops.h"
#include "core/parallel.h"
#include "core/text.h"
#include "models/checkpoint.h"
#include "train/cli/command_line.h"
#include "train/cli/commands.h"
#include "train/results/attention_table.h"
#include "train/training/run_dir.h"

namespace yonder {
namespace {

struct Paths {
  std::string checkpoint, tokens, positions, digits, targets, logits, gradients, attention;
};

struct Input {
  int B, T;
  std::vector<int> tokens, targets;  // [B, T]
  Pass pass;
};

// Reads an array of `axes` axes with values in least..most.
IntArray read_ints(const std::string& path, std::size_t axes, int least, int most) {
  IntArray array = read_npy_ints(path);
  if (array.shape.size() != axes)
    throw FileError(fmt::format("{}: it has {} axes; it needs {}", path, array.shape.size(), axes));
  for (int x : array.values)
    if (x < least || x > most)
      throw FileError(fmt::format("{}: it holds {}; allowed are {} to {}", path, x, least, most));
  return array;
}

// Lengths of the rows of tokens [B, T]; −1 is allowed at their right ends only.
std::vector<int> lengths_of(const Input& in, const std::string& path) {
  std::vector<int> lengths;
  for (int b = 0; b < in.B; ++b) {
    const auto row = in.tokens.begin() + std::ptrdiff_t(b) * in.T, end = row + in.T;
    const auto padding = std::find(row, end, -1);
    if (padding == row || std::any_of(padding, end, [](int x) { return x != -1; }))
      throw FileError(fmt::format(
          "{}: row {} has a padding of -1 before a token; padding belongs at the right end", path,
          b));
    lengths.push_back(int(padding - row));
  }
  return lengths;
}

std::vector<int> read_positions(const std::string& path, int T) {
  const IntArray at = read_ints(path, 1, 0, 1 << 24);
  if (at.shape[0] != T)
    throw FileError(fmt::format("{}: it has {} positions for {} tokens", path, at.shape[0], T));
  if (std::ranges::adjacent_find(at.values, std::greater_equal<>()) != at.values.end())
    throw FileError(path + ": positions have to increase from each to the next");
  return at.values;
}

std::vector<int> read_digits(const std::string& path, int B, int T) {
  IntArray digits = read_ints(path, 2, -1, 1 << 24);
  if (digits.shape[0] != B || digits.shape[1] != T)
    throw FileError(path + ": its shape is not that of the tokens");
  return std::move(digits.values);
}

Input read_input(const Paths& paths, const Transformer& model) {
  const int V = model.dims().vocabulary;
  IntArray tokens = read_ints(paths.tokens, 2, -1, V - 1);
  Input in{.B = tokens.shape[0], .T = tokens.shape[1], .tokens = std::move(tokens.values)};
  in.pass = {
      .batch = in.B, .tokens = in.T, .longest = in.T, .lengths = lengths_of(in, paths.tokens)};
  if (!paths.positions.empty()) in.pass.at = read_positions(paths.positions, in.T);
  if (!paths.digits.empty() && !model.encoding().needs_digits())
    throw UsageError("logits: " + model.encoding().name() + " does not use digits; omit --digits");
  if (!paths.digits.empty()) in.pass.digits = read_digits(paths.digits, in.B, in.T);
  else if (model.encoding().needs_digits())
    throw UsageError("logits: " + model.encoding().name() +
                     " uses digits, and nothing says which tokens are digits; give --digits");
  if (!paths.targets.empty()) {
    IntArray targets = read_ints(paths.targets, 2, -1, V - 1);
    if (targets.shape[0] != in.B || targets.shape[1] != in.T)
      throw FileError(paths.targets + ": its shape is not that of the tokens");
    for (std::size_t i = 0; i < targets.values.size(); ++i)
      if (targets.values[i] >= 0 && in.tokens[i] < 0)
        throw FileError(paths.targets + ": it has a target where the tokens have padding");
    if (std::ranges::count(targets.values, -1) == std::ptrdiff_t(targets.values.size()))
      throw FileError(paths.targets + ": every target is -1, so there is no loss to take a " +
                      "gradient of; name a token at one place at least");
    in.targets = std::move(targets.values);
  }
  return in;
}

Tensor without_padding(const Tensor& logits, const Input& in) {  // [B, T, V]
  Tensor clean(logits.shape);
  const std::int64_t V = logits.dim(2);
  for (std::int64_t row = 0; row < std::int64_t(in.tokens.size()); ++row)
    if (in.tokens[row] >= 0) std::copy_n(&logits[row * V], V, &clean[row * V]);
  return clean;
}

Safetensors gradients_of(const Transformer& model) {
  Safetensors file;
  for (const auto& [name, var] : model.parameters().all())
    file.tensors.emplace_back(name, var.grad());  // zeros if it was not used
  return file;
}

// Observes the rows that have a target, or all but padding if none is given.
AttentionObserver observer_of(const Input& in, const Transformer& model) {
  AttentionObserver observer{.trained = model.dims().trained, .tokens = in.T};
  for (const int x : in.targets.empty() ? in.tokens : in.targets) observer.rows.push_back(x >= 0);
  return observer;
}

std::string attention_csv(const AttentionObserver& observer) {
  std::string csv = joined(attention_columns(observer.tokens), ",") + "\n";
  for (const HeadStatistics& head : looks(observer.layers))
    csv += joined(attention_cells(head, observer.tokens), ",") + "\n";
  return csv;
}

// Writes all files or none.
void write(const Paths& paths, const Tensor& logits, const AttentionObserver* observer,
           const Transformer* differentiated) {
  std::vector<std::string> written;
  try {
    write_npy(paths.logits, logits.shape, {logits.flat().begin(), logits.flat().end()});
    written.push_back(paths.logits);
    if (observer) {
      write_file(paths.attention, attention_csv(*observer));
      written.push_back(paths.attention);
    }
    if (differentiated) write_safetensors(paths.gradients, gradients_of(*differentiated));
  } catch (const DiskError&) {
    for (const std::string& file : written) remove_all(file);
    throw;
  }
}

void refuse_same_place(const char* a_flag, const std::string& a, const char* b_flag,
                       const std::string& b) {
  std::error_code error;
  if (!b.empty() &&
      std::filesystem::weakly_canonical(a, error) == std::filesystem::weakly_canonical(b, error))
    throw UsageError(std::string("logits: ") + a_flag + " and " + b_flag + " name the same file, " +
                     a + "; give each its own");
}

void run(const Paths& paths, Transformer& model) {
  const Input in = read_input(paths, model);
  const Placed at(model.encoding(), in.pass);
  std::optional<AttentionObserver> observer;
  if (!paths.attention.empty()) observer = observer_of(in, model);
  std::optional<Tape> tape;
  if (!in.targets.empty()) tape.emplace();
  const Var logits = model.logits(in.tokens, at, 0, observer ? &*observer : nullptr);
  const Tensor clean = without_padding(logits.value(), in);
  if (tape) tape->backward(cross_entropy(logits, in.targets));
  write(paths, clean, observer ? &*observer : nullptr, tape ? &model : nullptr);
}

}  // namespace

ExitCode logits_command(const Arguments& arguments) {
  Paths paths;
  Overrides options;
  int threads = 0;
  CommandLine line(
      "logits", "writes a model's logits and gradients, for comparison with another program",
      {"yonder logits runs/copy --tokens t.npy --out l.npy",
       "yonder logits runs/copy --tokens t.npy --out l.npy --rope.scaling yarn",
       "yonder logits runs/copy --tokens t.npy --out l.npy --targets y.npy --grads g.safetensors",
       "yonder logits runs/copy --tokens t.npy --out l.npy --attention looks.csv"});
  line.argument("CHECKPOINT", paths.checkpoint, "a checkpoint, or a run's folder (the last)",
                CommandLine::Presence::required);
  const auto file = [](const char* name, std::string& path, const char* help) {
    return Option{name, &path, help}.takes("FILE");
  };
  line.add(
      "Files",
      {file("tokens", paths.tokens,
            "int32 or int64 [B, T] (B sequences of T tokens); -1 is padding at a row's right end"),
       file("out", paths.logits, "float32 [B, T, vocabulary] output; 0 at padding"),
       file("positions", paths.positions, "int [T], increasing, in place of 0, 1, 2, ..."),
       file("digits", paths.digits,
            "int [B, T], the power of ten of each digit, -1 elsewhere; for models with positions "
            "from digits"),
       file("targets", paths.targets,
            "int [B, T], target of the logits at each position; -1 is ignored"),
       file("grads", paths.gradients,
            "output: gradients of the mean cross-entropy over all targets, by parameter"),
       file("attention", paths.attention,
            "output: CSV of where each head attends, over the rows with a target, or all")});
  line.add("Run",
           {Option{"threads", &threads, "threads; results unaffected"}.within(0, 1024).shown_as(
               "all cores")});
  line.encodings(options, CommandLine::When::testing);
  if (!line.parse(arguments)) return ExitCode::ok;
  if (paths.tokens.empty()) throw UsageError("logits: --tokens is missing; name an npy file");
  if (paths.logits.empty()) throw UsageError("logits: --out is missing; name an npy file");
  if (paths.targets.empty() != paths.gradients.empty())
    throw UsageError("logits: --targets and --grads go together; one of them is missing");
  refuse_same_place("--out", paths.logits, "--grads", paths.gradients);
  refuse_same_place("--out", paths.logits, "--attention", paths.attention);
  refuse_same_place("--grads", paths.gradients, "--attention", paths.attention);
  if (threads > 0) set_threads(threads);
  run(paths, *load_model(RunFolder::checkpoint_in(paths.checkpoint), options).model);
  return ExitCode::ok;
}

}  // namespace yonder
