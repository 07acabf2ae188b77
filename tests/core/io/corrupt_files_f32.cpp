// However a file is damaged, its reader reads it or throws a FileError with its name: no crash, no
// other error.
#include <fstream>
#include <functional>

#include "core/error.h"
#include "core/io/files.h"
#include "tests/support/catch.h"
#include "tests/support/results_fixture.h"
#include "tests/support/runs.h"
#include "train/config/toml.h"
#include "train/report/markdown_latex.h"
#include "train/report/terminal.h"
#include "train/results/format.h"
#include "train/training/checkpoint_dir.h"

using namespace yonder;

namespace {

struct Readings {
  int read = 0, refused = 0;
};

// Reads a possibly damaged file; a FileError must begin with its name, others propagate.
void count(Readings& readings, const std::string& name, const std::function<void()>& read) {
  try {
    read();
    ++readings.read;
  } catch (const FileError& e) {
    ++readings.refused;
    if (!std::string(e.what()).starts_with(name)) FAIL(e.what());
  }
}

using Read = std::function<void(const std::string&)>;

// Truncates to every length below the whole.
Readings truncated(const std::string& whole, const std::string& name, const Read& read) {
  Readings readings;
  for (std::size_t n = 0; n < whole.size(); ++n)
    count(readings, name, [&] { read(whole.substr(0, n)); });
  return readings;
}

// Flips single bits: every one, or every `stride`-th.
Readings flipped(std::string text, const std::string& name, const Read& read,
                 std::size_t stride = 1) {
  Readings readings;
  for (std::size_t bit = 0; bit < 8 * text.size(); bit += stride) {
    const char whole = text[bit / 8];
    text[bit / 8] = char(whole ^ (1 << bit % 8));
    count(readings, name, [&] { read(text); });
    text[bit / 8] = whole;
  }
  return readings;
}

/// A training interrupted after its checkpoint at step 4.
struct Begun {
  Folder folder;
  RunConfig config = tiny_run("rope");
  std::string place = folder / "run/checkpoints/";

  Begun() {
    config.width = 4;
    config.options = {{"copy.alphabet", "2"}};
    train_until(5, config, folder / "run", Existing::refuse);
    remove_all(place + "step-0.json");  // else it would start over
  }
  void read() const {
    Trained run = prepare(config);
    Trainer trainer(run);
    Checkpoints(folder / "run", config).restore(run, trainer);
  }
  // Damages the file on disk, since its reader may look at others too. Changes it in place, since
  // some file systems wait for the disk when a file is truncated and rewritten.
  Read through(const std::string& name) const {
    return [this, path = place + name](const std::string& damaged) {
      std::fstream(path, std::ios::binary | std::ios::in | std::ios::out) << damaged;
      std::filesystem::resize_file(path, damaged.size());
      read();
    };
  }
};

std::string small_study() {
  Results r = found_text(1);
  r.rows = {r.rows[2]};
  r.lengths = {128};
  r.scores = {r.scores[7]};
  r.curves = {{r.rows[0], 1, {3, 2, unknown}}};
  r.lags = {{r.rows[0], 0, 64, 16, 32, 0.5, 12}};
  Study study{.name = "quick", .title = "a", .panels = {r}};
  study.trainings = {{.cell = "rope-text-s0", .encoding = "rope", .task = "text", .loss = {3}}};
  study.trainings[0].settings = {{"train.batch", "32"}};
  study.failures = {{"rope-text-s1", "diverged"}};
  study.claims = {{"rope loses", "Table 1", {"rope"}, 128, "", "", ""}};
  return to_json(study);
}

}  // namespace

TEST_CASE("a checkpoint, state or manifest with a flipped bit or a truncated end is refused",
          "[slow]") {
  const Begun begun;
  begun.read();
  for (const char* name : {"step-4.safetensors", "step-4.state.safetensors", "step-4.json"}) {
    INFO(name);
    const std::string whole = content_of(begun.place + name);
    const Readings cut = truncated(whole, begun.place, begun.through(name));
    CHECK(cut.read == 0);
    CHECK(cut.refused == int(whole.size()));
    // Odd, so that bits of every value are among them.
    const std::size_t stride = 7;
    const Readings bits = flipped(whole, begun.place, begun.through(name), stride);
    CHECK(bits.read == 0);
    CHECK(bits.refused == int((8 * whole.size() + stride - 1) / stride));
    put(begun.place + name, whole);
  }
  begun.read();  // nothing else was touched
}

TEST_CASE("with a damaged LATEST, the last checkpoint is loaded or the file is refused") {
  const Begun begun;
  const std::string path = begun.place + "LATEST";
  const auto step = [&](const std::string& damaged) {
    put(path, damaged);
    const int there = load(begun.folder / "run").step;
    CHECK(there == 4);
  };
  const std::string name = begun.folder / "run";
  CHECK(truncated("step-4\n", name, step).refused == 0);  // the last one is loaded
  CHECK(truncated("step-40\n", name, step).refused == 0);
  CHECK(flipped("step-4\n", name, step).refused > 0);  // names a missing one
}

TEST_CASE("results with a flipped bit or a truncated end are refused by name or read") {
  const std::string whole = small_study();
  const auto read = [](const std::string& text) {
    const Study study = study_from_json(text, "results.json");
    const std::string row = printable(study.panels[0].rows[0].printed());
    CHECK(report(study, "folder", {.columns = 500}).find(row) != std::string::npos);
    CHECK(as_markdown(study).find("|---|") != std::string::npos);
    CHECK(as_latex(study).find("\\begin{tabular}") != std::string::npos);
    const std::string again = to_json(study);
    CHECK((to_json(study_from_json(again, "results.json")) == again));
  };
  read(whole);
  CHECK(truncated(whole.substr(0, whole.size() - 1), "results.json: ", read).read == 0);
  const Readings bits = flipped(whole, "results.json: ", read);
  CHECK(bits.read > 0);  // a letter of a string
  CHECK(bits.refused > bits.read);
}

TEST_CASE("results with rows or values that no sweep can have are refused") {
  const std::string whole = small_study();
  const auto refused = [&](const std::string& from, const std::string& to) {
    std::string text = whole;
    const std::size_t at = text.find(from);
    REQUIRE(at != text.npos);
    text.replace(at, from.size(), to);
    INFO(to);
    CHECK_THROWS_AS(study_from_json(text, "results.json"), FileError);
  };
  refused(R"("encoding": "rope")", R"("encoding": "")");
  refused(R"("encoding": "rope")", R"("encoding": "rope,alibi")");
  refused("rope.scaling=yarn", "rope.scaling");
  refused(R"("train_length": 64)", R"("train_length": 64.5)");
  refused(R"("train_length": 64)", R"("train_length": 1e300)");
  refused(R"("train_length": 64)", R"("train_length": 4294967360)");
  refused(R"("parameters": 0)", R"("parameters": 18446744073709551615)");
  refused(R"("format": 3)", R"("format": 99)");
  refused(R"("train_length": 64)", R"("train_length": 0)");
  refused("\"eval_lengths\": [\n    128\n   ]", R"("eval_lengths": [-128])");
  refused(R"("eval_length": 64)", R"("eval_length": -64)");  // of a lag
  refused(R"("eval_tokens": 128)", R"("eval_tokens": -128)");
  refused(R"("token_accuracy": null)", R"("token_accuracy": 7)");
  refused(R"("unigram_loss": 3.19)", R"("unigram_loss": -3.19)");
  refused(R"("chance": [])", R"("chance": [0.1, 0.2])");
  refused(R"("from": 16)", R"("from": 32)");
  refused("\"eval_lengths\": [\n    128\n   ]", R"("eval_lengths": [])");
  refused("\"eval_lengths\": [\n    128\n   ]", R"("eval_lengths": [128, 128])");
  refused(R"("order": [)", R"("order": ["rope:rope.scaling",)");
  const std::size_t scores = whole.find(R"("scores": [)") + 11, end = whole.find("],", scores);
  refused(R"("scores": [)", R"("scores": [)" + whole.substr(scores, end - scores) + ",");
  const std::size_t rows = whole.find(R"("rows": [)") + 9, last = whole.find("],", rows);
  refused(R"("rows": [)", R"("rows": [)" + whole.substr(rows, last - rows) + ",");
  refused(whole.substr(rows, last - rows), "");
}

TEST_CASE("a configuration with a flipped bit or a truncated end is refused by name or read") {
  const std::string whole =
      "[data]\ntask = 'copy'\ncopy.alphabet = 8\n[train]\nlr = 3e-3\n[encoding.rope]\n"
      "base = 500\n[sweep]\nencodings = ['rope', \"alibi\"]\nlengths = [20, 40]\n"
      "set.'train.steps' = [10, 20]\n[[claim]]\norder = ['rope', 'alibi']\nlength = 40\n";
  const auto read = [](const std::string& text) {
    SweepConfig config;
    apply_config(text, "a.toml", config);
  };
  read(whole);
  CHECK(truncated(whole, "a.toml:", read).refused > 0);
  const Readings bits = flipped(whole, "a.toml:", read);
  CHECK(bits.read > 0);
  CHECK(bits.refused > bits.read);
}

TEST_CASE("a configuration with endless nesting or lengths out of range is refused") {
  const auto refused = [](const std::string& text) {
    SweepConfig config;
    CHECK_THROWS_AS(apply_config(text, "a.toml", config), FileError);
  };
  std::string dots;
  for (int i = 0; i < 300000; ++i) dots += ".a";
  refused("[data" + dots + "]\nb = 1\n");
  refused("[data]\nb" + dots + " = 1\n");
  refused("title = " + std::string(300000, '['));
  refused("[[claim]]\nlength = 4294967296\n");
  refused("[[claim]]\nlength = -1\n");
}
