#include <csignal>
#include <nlohmann/json.hpp>

#include "tests/support/binary.h"
#include "tests/support/catch.h"
#include "tests/support/csv.h"
#include "tests/support/program.h"
#include "tests/support/tiny_sweep.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

// A copy of finished_sweep() as if ended before the last of rope's cells was done.
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

}  // namespace

TEST_CASE("a folder with a sweep is refused, unless it is to be resumed or replaced") {
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

TEST_CASE("a sweep started before a key existed can be resumed") {
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

TEST_CASE("a sweep cannot be resumed with another text") {
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
  fs::remove(sums);  // as in a sweep of a version without it
  CHECK(yonder_run(sweep + " --resume").code == 0);
  CHECK(content_of(sums) == kept);
  put(path, "L" + text.substr(1));
  CHECK(yonder_run(sweep + " --force").code == 0);
  CHECK(content_of(sums) != kept);
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

TEST_CASE("a cell whose scores are lost or damaged is evaluated again") {
  const EndedSweep sweep;
  put(sweep.cell + "/DONE", "");
  fs::remove(sweep.cell + "/scores.json");
  const std::string damaged = sweep.path + "/cells/rope-copy-s0/scores.json";
  put(damaged, content_of(damaged).substr(0, 100));
  sweep.goes_on_to_the_same_results();
}

TEST_CASE("a finished cell of another seed or encoding is not counted") {
  const EndedSweep sweep;
  const std::string cells = sweep.path + "/cells/", other = cells + "learned-copy-s0/scores.json";
  put(sweep.cell + "/DONE", "");
  fs::copy_file(other, sweep.cell + "/scores.json", fs::copy_options::overwrite_existing);
  const Ran reported = [&] {
    fs::rename(sweep.path + "/results.json", sweep.path + "/kept");
    return yonder_run("report " + sweep.path);
  }();
  CHECK(reported.code == 3);
  CHECK(contains(reported.err, "it belongs to the run learned-copy-s0"));
  sweep.goes_on_to_the_same_results();

  fs::remove_all(sweep.cell);  // a whole cell of another seed cannot be resumed
  fs::copy(cells + "rope-copy-s0", sweep.cell, fs::copy_options::recursive);
  const Ran refused = yonder_run(two_by_two + "--resume --out " + sweep.path);
  CHECK(refused.code == 5);
  CHECK(contains(refused.out, "Failed: rope-copy-s1: "));
  CHECK(contains(refused.out, "seed 0 and not 1"));
}

TEST_CASE("a sweep overwrites only its own files, and removes what kills have left behind") {
  for (const std::string name :
       {"results.csv", "results.json", "report.html", "environment.json", "texts.txt", "plots"}) {
    const Folder folder;
    put(folder / name, "mine");
    for (const char* how : {"", "--resume "}) {
      const Ran ran = yonder_run(two_by_two + how + "--out " + folder.path);
      CHECK(ran.code == 2);
      CHECK(ran.err.starts_with("yonder: " + (folder / name) + ": it does not belong to a sweep"));
      CHECK(std::distance(fs::directory_iterator(folder.path), {}) == 1);
    }
  }
  const Folder folder;
  put(folder / "job.sh", "mine");
  CHECK(yonder_run(two_by_two + "--slurm --out " + folder.path).code == 2);
  CHECK(content_of(folder / "job.sh") == "mine");

  const EndedSweep sweep;
  for (const std::string place : {"/", "/plots/", "/cells/rope-copy-s0/"})
    put(sweep.path + place + "a.json.123.4.tmp", "half");
  sweep.goes_on_to_the_same_results();
  for (const std::string place : {"/", "/plots/", "/cells/rope-copy-s0/"})
    CHECK_FALSE(fs::exists(sweep.path + place + "a.json.123.4.tmp"));
}

TEST_CASE("a learning rate whose trial was killed is not rejected in favour of another") {
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
  CHECK(contains(yonder_run("show " + (folder / "killed")).out, "1 of 1 runs"));
}

TEST_CASE("an interrupt keeps finished cells, says how to resume, and ends with 130") {
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
