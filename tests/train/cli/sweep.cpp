#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>

#include "encodings/base/encoding.h"
#include "tests/support/binary.h"
#include "tests/support/catch.h"
#include "tests/support/csv.h"
#include "tests/support/opens.h"
#include "tests/support/program.h"
#include "tests/support/refused.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

const std::string tiny_sweep =
    "sweep --task copy --train-length 4 --width 16 --heads 2 --layers 1 --batch 4 --steps 3 "
    "--examples 8 --quiet ";

const std::string two_by_two =
    tiny_sweep + "--encodings rope,rope:rope.scaling=yarn,learned --eval-lengths 4,8 --seeds 2 ";

// A sweep of two encodings and two seeds that several tests read and none changes.
const std::string& finished_sweep() {
  static const Folder folder;
  static const std::string path = folder / "sweep";
  static const Ran ran = yonder_run(two_by_two + "--threads 2 --out " + path);
  INFO(ran.err);
  REQUIRE(ran.code == 0);
  return path;
}

// A copy of it that was ended before the last of rope's cells was done.
class EndedSweep {
  const Folder folder_;

 public:
  const std::string path = folder_ / "copy", cell = path + "/cells/rope-copy-s1";

  EndedSweep() {
    fs::copy(finished_sweep(), path, fs::copy_options::recursive);
    fs::remove(cell + "/DONE");
    fs::remove(path + "/results.csv");
  }
  void goes_on_to_the_same_results() const {
    const Ran ran = yonder_run(two_by_two + "--resume --out " + path);
    INFO(ran.err);
    REQUIRE(ran.code == 0);
    CHECK(content_of(path + "/results.csv") == content_of(finished_sweep() + "/results.csv"));
  }
};

void refused_sweep(const std::string& arguments, const std::string& said) {
  const Folder folder;
  const Ran ran = yonder_run(tiny_sweep + arguments + " --out " + (folder / "run"));
  INFO(arguments);
  INFO(ran.err);
  CHECK(ran.code == 2);
  CHECK(lines_of(ran.err).size() == 1);
  CHECK(contains(ran.err, said));
  CHECK(fs::is_empty(folder.name));
}

}  // namespace

TEST_CASE("the course of a training is tested evenly, its end and last tenth apart") {
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
                "sweep.curve_points: it says which");
}

TEST_CASE("a sweep has a row for each row of the table, length and seed") {
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

TEST_CASE("a cell is the run that yonder train makes, to the bit, whatever the threads") {
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

TEST_CASE("a sweep finds the same whether its cells run side by side or one by one") {
  const Folder folder;
  const Ran ran = yonder_run(tiny_sweep +
                             "--encodings rope,rope:rope.scaling=yarn,learned --eval-lengths 8,4 "
                             "--seeds 2 --threads 1 --out " +
                             (folder / "run"));
  REQUIRE(ran.code == 0);
  CHECK(content_of(folder / "run/results.csv") == content_of(finished_sweep() + "/results.csv"));
}

TEST_CASE("a folder with a sweep is refused, unless it is to be continued or replaced") {
  const Folder folder;
  const std::string sweep =
      tiny_sweep + "--encodings none --eval-lengths 4 --seeds 1 --out " + (folder / "a");
  REQUIRE(yonder_run(sweep).code == 0);
  const Ran again = yonder_run(sweep);
  CHECK(again.code == 2);
  CHECK(contains(again.err, "--resume"));
  const Ran other = yonder_run(sweep + " --resume --steps 4");
  CHECK(other.code == 2);
  CHECK(contains(other.err, "other settings"));
  CHECK(yonder_run(sweep + " --force --steps 4").code == 0);
  CHECK(fs::exists(folder / "a/cells/none-copy-s0/checkpoints/step-4.safetensors"));
}

TEST_CASE("a sweep that began before a key was known continues") {
  const EndedSweep sweep;
  const std::string path = sweep.path + "/config.toml", text = content_of(path);
  std::string older;
  for (const std::string& line : lines_of(text))
    if (line != "shards = 1" && line != "precision = 'f32'" && line != "curve_points = 0")
      older += line + "\n";
  REQUIRE(lines_of(older).size() + 3 == lines_of(text).size());
  put(path, older);
  sweep.goes_on_to_the_same_results();
  CHECK(content_of(path) == text);
}

TEST_CASE("a sweep does not go on with another text") {
  const Folder folder;
  const std::string path = folder / "text", sums = folder / "run/texts.txt";
  std::string text;
  for (int i = 0; i < 400; ++i) text += "line " + std::to_string(i) + "\n";
  put(path, text);
  const std::string sweep = "sweep --task text --text " + path +
                            " --encodings none,rope --train-length 32 --eval-lengths 32 --width 16 "
                            "--heads 2 --layers 1 --batch 4 "
                            "--steps 3 --seeds 1 --examples 2 --quiet --out " +
                            (folder / "run");
  REQUIRE(yonder_run(sweep).code == 0);
  fs::remove(folder / "run/cells/rope-text-s0/DONE");
  const std::string kept = content_of(sums);
  put(path, "L" + text.substr(1));
  const Ran refused = yonder_run(sweep + " --resume");
  CHECK(refused.code == 2);
  CHECK(lines_of(refused.err).size() == 1);
  CHECK(contains(refused.err, "text.path = " + path + " is not the text"));
  CHECK_FALSE(fs::exists(folder / "run/cells/rope-text-s0/DONE"));
  put(path, text);
  fs::remove(sums);  // as in a sweep that began before there was one
  CHECK(yonder_run(sweep + " --resume").code == 0);
  CHECK(content_of(sums) == kept);
  put(path, "L" + text.substr(1));
  CHECK(yonder_run(sweep + " --force").code == 0);
  CHECK(content_of(sums) != kept);
}

TEST_CASE("a scale leaves a test at least one sequence") {
  const Ran ran = yonder_run(tiny_sweep + "--encodings none --budget 0.01 --dry-run");
  INFO(ran.err);
  CHECK(contains(ran.out, "\nexamples = 1\n"));
  const Ran more =
      yonder_run(tiny_sweep + "--encodings none --steps 3000000 --budget 1000 --dry-run");
  CHECK(more.code == 2);
  CHECK_THAT(more.err,
             ContainsSubstring("--budget: 3000000 steps would become more than 100000000"));
}

TEST_CASE("resuming trains only what is not finished and ends with the same results") {
  const EndedSweep sweep;
  const std::string other = sweep.path + "/cells/rope-copy-s0/scores.json";
  const auto kept = fs::last_write_time(other);
  const auto trained = fs::last_write_time(sweep.cell + "/scores.json");
  sweep.goes_on_to_the_same_results();
  CHECK(fs::last_write_time(other) == kept);
  CHECK(fs::last_write_time(sweep.cell + "/scores.json") > trained);
}

TEST_CASE("a cell whose scores are lost or damaged is tested again") {
  const EndedSweep sweep;
  put(sweep.cell + "/DONE", "");
  fs::remove(sweep.cell + "/scores.json");
  const std::string damaged = sweep.path + "/cells/rope-copy-s0/scores.json";
  put(damaged, content_of(damaged).substr(0, 100));
  sweep.goes_on_to_the_same_results();
}

TEST_CASE("a finished cell that is of another seed or encoding is not counted") {
  const EndedSweep sweep;
  const std::string cells = sweep.path + "/cells/", other = cells + "learned-copy-s0/scores.json";
  put(sweep.cell + "/DONE", "");
  fs::copy_file(other, sweep.cell + "/scores.json", fs::copy_options::overwrite_existing);
  const Ran reported = [&] {
    fs::rename(sweep.path + "/results.json", sweep.path + "/kept");
    return yonder_run("report " + sweep.path);
  }();
  CHECK(reported.code == 3);
  CHECK(contains(reported.err, "it is of the cell learned-copy-s0"));
  sweep.goes_on_to_the_same_results();

  fs::remove_all(sweep.cell);  // a whole cell of another seed can't be gone on with
  fs::copy(cells + "rope-copy-s0", sweep.cell, fs::copy_options::recursive);
  const Ran refused = yonder_run(two_by_two + "--resume --out " + sweep.path);
  CHECK(refused.code == 5);
  CHECK(contains(refused.out, "Failed: rope-copy-s1: "));
  CHECK(contains(refused.out, "seed 0 and not 1"));
}

TEST_CASE("a sweep overwrites nothing that is not its own, and removes what kills have left") {
  for (const std::string name :
       {"results.csv", "results.json", "report.html", "environment.json", "texts.txt", "plots"}) {
    const Folder folder;
    put(folder / name, "mine");
    for (const char* how : {"", "--resume "}) {
      const Ran ran = yonder_run(two_by_two + how + "--out " + folder.name);
      CHECK(ran.code == 2);
      CHECK(ran.err.starts_with("yonder: " + (folder / name) + ": it is of no sweep"));
      CHECK(std::distance(fs::directory_iterator(folder.name), {}) == 1);
    }
  }
  const Folder folder;
  put(folder / "job.sh", "mine");
  CHECK(yonder_run(two_by_two + "--slurm --out " + folder.name).code == 2);
  CHECK(content_of(folder / "job.sh") == "mine");

  const EndedSweep sweep;
  for (const std::string place : {"/", "/plots/", "/cells/rope-copy-s0/"})
    put(sweep.path + place + "a.json.123.4.tmp", "half");
  sweep.goes_on_to_the_same_results();
  for (const std::string place : {"/", "/plots/", "/cells/rope-copy-s0/"})
    CHECK_FALSE(fs::exists(sweep.path + place + "a.json.123.4.tmp"));
}

TEST_CASE("a rate whose trial was killed is not passed over for another") {
  const Folder folder;
  const auto sweep = [&](const std::string& name) {
    return tiny_sweep +
           "--encodings rope --set train.lr=1e-2,1e-5 --lengths 4 --seeds 1 --threads 1 " +
           "--steps 3000 --out " + (folder / name);
  };
  REQUIRE(yonder_run(sweep("whole")).code == 0);
  const Program program(sweep("killed"));
  wait_for([&] { return fs::exists(folder / "killed/cells/rope-copy-lr0.01-s0/metrics.jsonl"); });
  ::kill(std::stoi(children_of(program.pid).at(0)), SIGKILL);
  CHECK(program.end() == 5);
  CHECK(fs::exists(folder / "killed/cells/rope-copy-lr0.01-s0/FAILED"));
  CHECK_FALSE(fs::exists(folder / "killed/cells/rope-copy-lr1e-05-s0/DONE"));
  REQUIRE(yonder_run(sweep("killed") + " --resume").code == 0);
  CHECK_FALSE(fs::exists(folder / "killed/cells/rope-copy-lr0.01-s0/FAILED"));
  CHECK(content_of(folder / "killed/results.csv") == content_of(folder / "whole/results.csv"));
  CHECK(contains(yonder_run("show " + (folder / "killed")).out, "1 of 1 cells"));
}

TEST_CASE("a cell that diverges is recorded, the others go on, and the exit code is 5") {
  const Folder folder;
  // At this rate the first update throws rope's weights beyond what a float holds.
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

TEST_CASE("the report is the same when it is shown again, and JSON is the file") {
  const Ran shown = yonder_run("show " + finished_sweep());
  CHECK(shown.code == 0);
  CHECK(contains(shown.out, "4 of 4 cells"));
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
    const Ran shown = yonder_run("show " + folder.name);
    CHECK(shown.code == 3);
    CHECK(shown.err.starts_with("yonder: " + (folder / name) + ": a run has a folder here"));
  }
}

TEST_CASE("the commands that a report proposes work as they stand") {
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

TEST_CASE("whatever a cell would refuse is refused before the folder is touched") {
  refused_sweep("--encodings rope,ropes", "did you mean 'rope'");
  refused_sweep("--encodings rope:rope.scaling=yarm", "did you mean 'yarn'");
  refused_sweep("--encodings rope:rope.base=x", "rope.base: 'x' is not allowed");
  refused_sweep("--encodings rope --t5.buckets 8", "t5.buckets: neither the task nor an encoding");
  refused_sweep("--encodings rope --heads 3", "heads");
  refused_sweep("--encodings rope,rope", "named twice");
  refused_sweep("--encodings rope --force --resume", "--force replaces");
  refused_sweep("--encodings rope --task copi", "did you mean 'copy'");
}

TEST_CASE("flags override a file, also where it lists several values") {
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

TEST_CASE("a word behind a list is refused, and not taken for a preset") {
  refused_sweep("--encodings rope alibi", "'alibi' follows its list 'rope'");
}

TEST_CASE("folders of runs have plain names of at most 100 bytes, different for different runs") {
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

TEST_CASE("an interrupt keeps finished cells, says how to go on, and ends with 130") {
  const Folder folder;
  const std::string
      run = folder / "run",
      sweep = tiny_sweep +
              "--encodings rope --eval-lengths 4 --seeds 12 --steps 200 --threads 1 --out " + run;
  const auto done = [&run] {
    std::vector<std::string> cells;
    for (int seed = 0; seed < 12; ++seed)
      if (const std::string cell = run + "/cells/rope-copy-s" + std::to_string(seed);
          fs::exists(cell + "/DONE"))
        cells.push_back(cell);
    return cells;
  };
  const Program program(sweep, "", folder / "err");
  wait_for([&] { return done().size() >= 2; });
  ::kill(program.pid, SIGINT);
  CHECK(program.end() == 130);
  CHECK(contains(content_of(folder / "err"), "--resume"));
  CHECK_FALSE(fs::exists(run + "/results.csv"));
  const auto kept = done();
  REQUIRE(kept.size() < 12);
  const auto model = [](const std::string& cell) {
    return cell + "/checkpoints/step-200.safetensors";
  };
  std::vector<fs::file_time_type> written;
  for (const std::string& cell : kept) written.push_back(fs::last_write_time(model(cell)));
  REQUIRE(yonder_run(sweep + " --resume").code == 0);
  CHECK(done().size() == 12);
  for (std::size_t i = 0; i < kept.size(); ++i)
    CHECK(fs::last_write_time(model(kept[i])) == written[i]);
  CHECK(read_csv(content_of(run + "/results.csv")).size() == 12);
}

TEST_CASE("a sweep opens its text once, and reads no scores that it has just made") {
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
