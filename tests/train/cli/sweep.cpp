#include <algorithm>
#include <nlohmann/json.hpp>

#include "encodings/base/encoding.h"
#include "tests/support/binary.h"
#include "tests/support/catch.h"
#include "tests/support/csv.h"
#include "tests/support/opens.h"
#include "tests/support/program.h"
#include "tests/support/refused.h"
#include "tests/support/tiny_sweep.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

void refused_sweep(const std::string& arguments, const std::string& said) {
  const Folder folder;
  const Ran ran = yonder_run(tiny_sweep + arguments + " --out " + (folder / "run"));
  INFO(arguments);
  INFO(ran.err);
  CHECK(ran.code == 2);
  CHECK(lines_of(ran.err).size() == 1);
  CHECK(contains(ran.err, said));
  CHECK(fs::is_empty(folder.path));
}

}  // namespace

TEST_CASE("a learning curve is evaluated evenly, separate from the end and the last tenth") {
  const Folder folder;
  const std::string asked = tiny_sweep +
                            "--encodings rope,rope:rope.scaling=yarn --eval-lengths 4,8 --steps 20 "
                            "--curve-points 4 --checkpoints 2 --seeds 1 --out " +
                            (folder / "run");
  REQUIRE(yonder_run(asked).code == 0);
  const auto csv = read_csv(content_of(folder / "run/results.csv"));
  std::vector<std::string> steps;
  for (const auto& line : csv)
    if (line.at("overrides").empty() && line.at("eval_length") == "8")
      steps.push_back(line.at("step"));
  CHECK(steps == std::vector<std::string>{"", "19", "5", "10", "15"});
  CHECK(csv.size() == 2 * (1 + 1 + 4));
  CHECK(contains(content_of(folder / "run/report.html"),
                 "Beyond the training length, over training"));
  refused_sweep("--encodings rope --curve-points 2 --checkpoint-every 2",
                "sweep.curve_points: both it and");
}

TEST_CASE("results.csv has a line for each row of the table, length and seed") {
  const auto csv = read_csv(content_of(finished_sweep() + "/results.csv"));
  std::vector<std::string> rows;
  for (const auto& line : csv) {
    rows.push_back(line.at("encoding") + ":" + line.at("overrides") + " " + line.at("eval_length") +
                   " s" + line.at("seed"));
    const bool ends = line.at("encoding") == "learned" && line.at("eval_length") == "8";
    CHECK(line.at("status") == (ends ? "undefined" : "ok"));
    CHECK(line.at("reason") == (ends ? "table ends" : ""));
    CHECK(line.at("loss").empty() == ends);
  }
  std::vector<std::string> wanted;
  for (const std::string row : {"rope:", "rope:rope.scaling=yarn", "learned:"})
    for (const std::string seed : {"s0", "s1"})
      for (const std::string length : {"4", "8"}) wanted.push_back(row + " " + length + " " + seed);
  CHECK(rows == wanted);
}

TEST_CASE("rows of one encoding share its trained model") {
  std::vector<std::string> cells;
  for (const auto& cell : fs::directory_iterator(finished_sweep() + "/cells")) {
    cells.push_back(cell.path().filename());
    CHECK(fs::exists(cell.path() / "DONE"));
    CHECK(fs::exists(cell.path() / "checkpoints" / "step-3.safetensors"));
  }
  std::sort(cells.begin(), cells.end());
  CHECK(cells == std::vector<std::string>{"learned-copy-s0", "learned-copy-s1", "rope-copy-s0",
                                          "rope-copy-s1"});
}

TEST_CASE("a cell is bit-identical to the run of yonder train, with any number of threads") {
  const Folder folder;
  const Ran ran = yonder_run(
      "train --task copy --train-length 4 --width 16 --heads 2 --layers 1 --batch 4 --steps 3 "
      "--encoding "
      "rope --seed 1 --threads 2 --quiet --out " +
      (folder / "run"));
  REQUIRE(ran.code == 0);
  const std::string file = "/checkpoints/step-3.safetensors";
  CHECK(content_of(folder / ("run" + file)) ==
        content_of(finished_sweep() + "/cells/rope-copy-s1" + file));
}

TEST_CASE("a sweep has the same results whether its cells run in parallel or one by one") {
  const Folder folder;
  const Ran ran = yonder_run(tiny_sweep +
                             "--encodings rope,rope:rope.scaling=yarn,learned --eval-lengths 8,4 "
                             "--seeds 2 --threads 1 --out " +
                             (folder / "run"));
  REQUIRE(ran.code == 0);
  CHECK(content_of(folder / "run/results.csv") == content_of(finished_sweep() + "/results.csv"));
}

TEST_CASE("a budget leaves an evaluation at least one sequence") {
  const Ran ran = yonder_run(tiny_sweep + "--encodings none --budget 0.01 --dry-run");
  INFO(ran.err);
  CHECK(contains(ran.out, "\nexamples = 1\n"));
  const Ran more =
      yonder_run(tiny_sweep + "--encodings none --steps 3000000 --budget 1000 --dry-run");
  CHECK(more.code == 2);
  CHECK_THAT(more.err,
             ContainsSubstring("--budget: 3000000 steps would become more than 100000000"));
}

TEST_CASE("a cell that diverges is recorded, the others continue, and the exit code is 5") {
  const Folder folder;
  // At this learning rate the first update overflows rope's weights.
  const Ran ran =
      yonder_run(tiny_sweep +
                 "--encodings rope --eval-lengths 4 --seeds 2 --steps 60 --lr 99 --warmup 0 "
                 "--grad-clip 0 --weight-decay 100 --out " +
                 (folder / "run"));
  INFO(ran.out << ran.err);
  CHECK(ran.code == 5);
  CHECK(fs::exists(folder / "run/cells/rope-copy-s0/FAILED"));
  CHECK(contains(ran.out, "Failed: rope-copy-s0: "));
  CHECK(contains(ran.out, "failed"));
  CHECK(fs::exists(folder / "run/results.json"));
}

TEST_CASE("show repeats the report, and --json prints results.json") {
  const Ran shown = yonder_run("show " + finished_sweep());
  CHECK(shown.code == 0);
  CHECK(contains(shown.out, "4 of 4 runs"));
  CHECK(contains(shown.out, "RoPE + YaRN"));
  CHECK(contains(shown.out, "table ends"));
  CHECK(contains(shown.out, "Token accuracy at 2×: "));
  const Folder folder;
  const Ran json = yonder_run(
      tiny_sweep + "--encodings none --seeds 1 --eval-lengths 4 --json --out " + (folder / "run"));
  CHECK(json.out == content_of(folder / "run/results.json"));
  const auto said = nlohmann::json::parse(json.out);
  CHECK(said["panels"][0]["scores"].size() == 1);
  CHECK(said["trainings"][0]["settings"]["train.batch"] == 4);
  CHECK(said["trainings"][0]["settings"].contains("copy.alphabet"));
}

TEST_CASE("a run whose folders are plain files is refused by name") {
  for (const std::string name : {"cells", "checkpoints"}) {
    const Folder folder;
    put(folder / "config.toml", content_of(finished_sweep() + "/config.toml"));
    put(folder / name, "");
    const Ran shown = yonder_run("show " + folder.path);
    CHECK(shown.code == 3);
    CHECK(shown.err.starts_with("yonder: " + (folder / name) + ": a run has a folder here"));
  }
}

TEST_CASE("the commands that a report suggests run as printed") {
  const Ran shown = yonder_run("show " + finished_sweep());
  std::vector<std::string> commands;
  for (const std::string& line : lines_of(shown.out))
    if (line.starts_with("  ") && contains(line, "yonder ")) commands.push_back(line);
  REQUIRE(commands.size() == 3);
  for (std::string command : commands) {
    command = command.substr(command.find("yonder ") + 7);
    if (command.starts_with("sweep")) command += " --steps 2 --quiet --width 16";
    INFO(command);
    const Ran ran = yonder_run(command);
    INFO(ran.err);
    CHECK(ran.code == 0);
  }
}

TEST_CASE("what a cell would refuse is refused before the folder is touched") {
  refused_sweep("--encodings rope,ropes", "did you mean 'rope'");
  refused_sweep("--encodings rope:rope.scaling=yarm", "did you mean 'yarn'");
  refused_sweep("--encodings rope:rope.base=x", "rope.base: 'x' is not allowed");
  refused_sweep("--encodings rope --t5.buckets 8", "t5.buckets: neither the task nor an encoding");
  refused_sweep("--encodings rope --heads 3", "heads");
  refused_sweep("--encodings rope,rope", "named twice");
  refused_sweep("--encodings rope --force --resume", "--force replaces");
  refused_sweep("--encodings rope --task copi", "did you mean 'copy'");
}

TEST_CASE("flags override a file, even if it lists several values") {
  const Folder folder;
  put(folder / "c.toml",
      "[data]\ntask = 'copy'\n[sweep]\nencodings = ['rope']\nseeds = 1\n[sweep.set]\n"
      "'data.task' = ['copy', 'reverse']\n'rope.fraction' = [0.5, 0.75]\n");
  const auto dry = [&](const std::string& flags) {
    return yonder_run("sweep " + (folder / "c.toml") +
                      tiny_sweep.substr(tiny_sweep.find(" --width")) + "--dry-run " + flags)
        .out;
  };
  CHECK_THAT(dry(""), ContainsSubstring("-reverse ") && ContainsSubstring("fraction=0.75"));
  const std::string both = dry("--task sort --rope.fraction 0.25");
  CHECK_THAT(both, ContainsSubstring("-sort ") && ContainsSubstring("fraction = 0.25"));
  CHECK_THAT(both, !ContainsSubstring("-reverse ") && !ContainsSubstring("fraction=0.75"));
  refused_sweep("--encodings rope --lr 1e-3 --set train.lr=1e-3,2e-3", "is also given by --lr");
}

TEST_CASE("a preset with tasks from the command line drops the options of its other tasks") {
  for (const std::string tasks : {"--task parity", "--set data.task=parity,sort:sort.alphabet=4"}) {
    const Ran ran = yonder_run("sweep atlas-small --dry-run --encodings none --steps 1 " + tasks);
    INFO(ran.err);
    CHECK(ran.code == 0);
    CHECK(contains(ran.out, "none-parity"));
    CHECK_FALSE(contains(ran.out, "kjv.txt"));
  }
  const Ran given = yonder_run("sweep atlas-small --dry-run --task parity --sort.alphabet 4");
  CHECK(given.code == 2);
  CHECK_THAT(given.err, ContainsSubstring("sort.alphabet: neither the task nor an encoding"));
}

TEST_CASE("a word after a list is refused, and not taken for a preset") {
  refused_sweep("--encodings rope alibi", "'alibi' follows its list 'rope'");
}

TEST_CASE("folders of runs have plain names of at most 100 bytes, unique to each run") {
  const Folder folder;
  std::string mix;
  for (int i = 0; i < 6; ++i)
    mix += (i ? "," : "") + std::string("rope+logn+window@") + std::to_string(i);
  put(folder / "a_b.txt", std::string(3000, 'x') + "y\n");
  fs::create_directory(folder / "a");
  put(folder / "a/b.txt", std::string(3000, 'z') + "y\n");
  const std::string sweep =
      "sweep --task text --width 8 --heads 2 --batch 2 --steps 2 --seeds 1 "
      "--train-length 32 --eval-lengths 64 --examples 2 --quiet ";
  const Ran ran = yonder_run(sweep + "--layers 6 --encodings '" + mix +
                             "' --set text.path=" + (folder / "a_b.txt") + "," +
                             (folder / "a/b.txt") + " --out " + (folder / "run"));
  INFO(ran.err);
  CHECK(ran.code == 0);
  int runs = 0;
  for (const auto& run : fs::directory_iterator(folder / "run/cells")) {
    const std::string name = run.path().filename().string();
    CHECK(name.size() <= 100);
    CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                 "-_.+") == name.npos);
    ++runs;
  }
  CHECK(runs == 2);
  fs::create_directory(folder / "run/cells/rope:of-an-earlier-version");
  fs::remove(folder / "run/results.csv");
  refused(sweep + "--layers 6 --encodings '" + mix + "' --set text.path=" + (folder / "a_b.txt") +
              "," + (folder / "a/b.txt") + " --resume --out " + (folder / "run"),
          2, "an earlier version of yonder began this sweep");
}

TEST_CASE("a sweep opens its text once, and does not reread scores that it has just computed") {
  const Folder folder;
  std::string text;
  for (int i = 0; i < 400; ++i) text += "line " + std::to_string(i) + "\n";
  put(folder / "text", text);
  const std::string sweep =
      "sweep --task text --text " + (folder / "text") +
      " --encodings rope,alibi,rope:rope.scaling=linear:finetune.length=64:finetune.steps=1 "
      "--train-length 32 --eval-lengths 32,64 --width 16 --heads 2 --layers 1 --batch 2 --steps 2 "
      "--seeds 2 "
      "--eval-protocols fixed-targets,sliding --quiet --out " +
      (folder / "run");
  {
    Opens opens(folder / "text");
    const Ran ran = yonder_run(sweep);
    INFO(ran.err);
    REQUIRE(ran.code == 0);
    CHECK(opens.count() == 1);
  }
  fs::remove(folder / "run/cells/alibi-text-s1/DONE");
  const std::string cells = folder / "run/cells/";
  Opens redone(cells + "alibi-text-s1/scores.json"), finished(cells + "rope-text-s0/scores.json");
  REQUIRE(yonder_run(sweep + " --resume").code == 0);
  CHECK(redone.count() == 0);
  CHECK(finished.count() == 1);
}
