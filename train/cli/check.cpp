#include <fmt/core.h>
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/io/files.h"
#include "core/ops/ops.h"
#include "core/parallel.h"
#include "models/checkpoint.h"
#include "models/served.h"
#include "train/cli/command_line.h"
#include "train/cli/commands.h"

namespace yonder {
namespace {

constexpr int trained = 8, beyond = 12, vocabulary = 7;
constexpr double rounding = 2e-5;  // of float logits of order 1, summed in another order

std::vector<int> some_tokens(int count, const char* stream = "tokens") {
  RandomStream draws(Random(3, stream));
  std::vector<int> tokens(static_cast<std::size_t>(count));
  for (int& t : tokens) t = draws.below(vocabulary);
  return tokens;
}

// The pass, with some tokens as digits if the model needs them.
Pass pass_with(const Transformer& model, Pass pass) {
  if (model.encoding().needs_digits())
    for (int i = 0; i < pass.batch * pass.tokens; ++i)
      pass.digits.push_back(i % pass.tokens % 4 == 3 ? -1 : 2 - i % pass.tokens % 4);
  return pass;
}

Tensor logits(Transformer& model, const std::vector<int>& tokens, Pass pass) {
  const Placed at(model.encoding(), pass_with(model, std::move(pass)));
  return model.logits(tokens, at).value();
}

double difference(const real* a, const real* b, int count) {
  double most = 0;
  for (int i = 0; i < count; ++i) most = std::max(most, std::abs(double(a[i]) - double(b[i])));
  return most;
}

// Whether the encoding is defined for so many tokens; it need not be beyond the training length.
bool defined(const Served& tried, int tokens) {
  try {
    Transformer model = tried.model();
    logits(model, some_tokens(tokens), {.tokens = tokens});
    return true;
  } catch (const Undefined&) {
    if (tokens <= trained) throw;
    return false;
  }
}

// What is wrong, in words; "" if nothing is.
using Check = std::string (*)(const Served&, int tokens);

std::string at_place(const std::string& what, double difference) {
  return fmt::format("{} (by {:.2g})", what, difference);
}

std::string causality(const Served& tried, int T) {
  if (!tried.dims.causal) return "";
  Transformer model = tried.model();
  std::vector<int> tokens = some_tokens(T);
  const Tensor before = logits(model, tokens, {.tokens = T});
  tokens.back() = (tokens.back() + 1) % vocabulary;
  const Tensor after = logits(model, tokens, {.tokens = T});
  const double most = difference(&before[0], &after[0], (T - 1) * vocabulary);
  return most > 0 ? at_place("the last token changes earlier logits", most) : "";
}

std::string padding(const Served& tried, int T) {
  Transformer model = tried.model();
  const int n = T - 3;
  std::vector<int> tokens = some_tokens(2 * T);
  std::fill(tokens.end() - 3, tokens.end(), -1);
  const Tensor batch = logits(model, tokens, {.batch = 2, .tokens = T, .lengths = {T, n}});
  const std::vector<int> own(tokens.begin() + T, tokens.begin() + T + n);
  const Tensor alone = logits(model, own, {.tokens = n, .longest = T});
  const double most = difference(&batch[std::int64_t(T) * vocabulary], &alone[0], n * vocabulary);
  return most > rounding ? at_place("a padded batch changes the logits of a sequence", most) : "";
}

std::string memory(const Served& tried, int T) {
  if (!defined(tried, 4 * T)) return "";
  Transformer fresh = tried.model(), used = tried.model();
  logits(used, some_tokens(4 * T), {.tokens = 4 * T});
  const std::vector<int> tokens = some_tokens(T);
  const Tensor a = logits(fresh, tokens, {.tokens = T}), b = logits(used, tokens, {.tokens = T});
  const double most = difference(&a[0], &b[0], T * vocabulary);
  return most > 0 ? at_place("an earlier, longer evaluation changes the logits", most) : "";
}

std::string cache(const Served& tried, int T) {
  Transformer model = tried.model();
  if (!tried.dims.causal || model.encoding().needs_digits()) return "";
  const std::vector<int> tokens = some_tokens(T);
  const Tensor whole = logits(model, tokens, {.tokens = T});
  Transformer::Cache kept;
  for (int t = 0; t < T; ++t) {
    const Tensor one = model.step(std::span(tokens).subspan(std::size_t(t), 1), 1, T, kept).value();
    const double most = difference(&one[0], &whole[std::int64_t(t) * vocabulary], vocabulary);
    if (most > rounding) return at_place("cached decoding gives other logits", most);
  }
  return "";
}

std::string checkpoint(const Served& tried, int T) {
  Transformer model = tried.model();
  const TemporaryFolder folder;
  const std::string path = folder.path + "/model";
  save_model(path, model, {.task = {{"name", "copy"}}, .step = 1, .seed = 1});
  const std::vector<int> tokens = some_tokens(T);
  const Tensor a = logits(model, tokens, {.tokens = T});
  const Checkpoint again = load_model(path);
  const Tensor b = logits(*again.model, tokens, {.tokens = T});
  const double most = difference(&a[0], &b[0], T * vocabulary);
  return most > 0 ? "a checkpoint restores another model" : "";
}

// Central differences of some elements of every parameter, f'(x) ≈ (f(x+h) − f(x−h)) / 2h. In float
// the loss is accurate to 2e-7, so the quotient to 1e-5; its error in h² is below the tolerance.
std::string gradients(const Served& tried, int T) {
  constexpr double h = 1e-2;
  Transformer model = tried.model();
  const std::vector<int> tokens = some_tokens(4 * T), targets = some_tokens(4 * T, "targets");
  const Placed at(model.encoding(), pass_with(model, {.batch = 4, .tokens = T}));
  const auto loss = [&] { return cross_entropy(model.logits(tokens, at), targets); };
  {
    Tape tape;
    tape.backward(loss());
  }
  for (const auto& [name, var] : model.parameters().all()) {
    RandomStream draws(Random(4, name));
    for (int n = 0; n < 4; ++n) {
      real& x = var.value()[draws.below(int(var.size()))];
      const std::int64_t i = &x - var.value().data.get();
      const real here = x;
      const auto f = [&](double step) {
        x = real(here + step);
        const double y = double(loss().value()[0]);
        x = here;
        return y;
      };
      const double g = double(var.grad()[i]), found = (f(h) - f(-h)) / (2 * h);
      if (!(std::abs(g - found) <= 1e-3 + 0.05 * std::abs(found)))
        return fmt::format("{}[{}]: the backward pass gives {:f}, finite differences {:f}", name, i,
                           g, found);
    }
  }
  return "";
}

const std::pair<const char*, Check> checks[] = {
    {"causality", causality}, {"padding", padding},       {"state", memory},
    {"cache", cache},         {"checkpoint", checkpoint}, {"gradients", gradients}};

std::vector<Served> tries_of(const std::string& name) {
  const Composition composition(name);
  std::vector<Served> all;
  for (const bool causal : {true, false}) {
    const auto serves = [causal](const Composition::Component& p) {
      return p.entry->serves == Serves::both || (p.entry->serves == Serves::causal_only) == causal;
    };
    if (!std::ranges::all_of(composition.components(), serves)) continue;
    const Dims dims{.vocabulary = vocabulary,
                    .width = 16,
                    .heads = 2,
                    .layers = 2,
                    .mlp = 16,
                    .trained = trained,
                    .causal = causal};
    all.push_back({name, dims, {}});
    for (const Composition::Component& p : composition.components())
      for (const Override& o : p.entry->extensions) {
        const Served tried{name, dims, {o}};
        if (find(p.encoding->options(), o.key.name)->inference_time && tried.takes_extension())
          all.push_back(tried);
      }
  }
  return all;
}

bool passes(const Served& tried) {
  std::string passed;
  for (const auto& [name, check] : checks)
    for (const int tokens : {trained, beyond}) {
      if (!defined(tried, tokens)) continue;
      const std::string wrong = check(tried, tokens);
      if (!wrong.empty()) {
        std::printf("FAILED  %s: %s at %d tokens: %s\n", tried.name().c_str(), name, tokens,
                    wrong.c_str());
        return false;
      }
    }
  std::printf("ok      %s%s\n", tried.name().c_str(),
              defined(tried, beyond) ? "" : "; undefined beyond the training length");
  return true;
}

}  // namespace

ExitCode check_command(const Arguments& arguments) {
  std::string name;
  CommandLine line("check", "checks that an encoding keeps the rules that all must keep",
                   {"yonder check gauss", "yonder check rope+logn"});
  line.argument("ENCODING", name, "an encoding, several joined by +",
                CommandLine::Presence::required);
  if (!line.parse(arguments)) return ExitCode::ok;
  const std::vector<Served> tries = tries_of(canonical_encoding(name));
  set_threads(1);
  std::printf(
      "A small model with training length %d, at %d and %d tokens: no later token may change an "
      "earlier\nlogit; padding, an earlier evaluation and cached decoding may change nothing; a "
      "checkpoint must\nrestore it; gradients must agree with finite differences.\n",
      trained, trained, beyond);
  int wrong = 0;
  for (const Served& tried : tries) wrong += !passes(tried);
  return wrong == 0 ? ExitCode::ok : ExitCode::failed;
}

}  // namespace yonder
