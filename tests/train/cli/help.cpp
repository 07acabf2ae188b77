// Help, and the accepted names of flags and values.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "encodings/base/encoding.h"
#include "tests/support/catch.h"
#include "tests/support/refused.h"
#include "tests/support/tiny_run.h"

using namespace yonder;

namespace {

// Columns in a terminal: a UTF-8 character is one.
std::size_t columns(const std::string& line) {
  return std::size_t(
      std::count_if(line.begin(), line.end(), [](unsigned char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

TEST_CASE("the help of a command opens with examples and has every registered option") {
  CHECK(yonder_run("--version").out == "yonder " YONDER_VERSION "\n");
  CHECK(yonder_run("").code == 2);
  CHECK(yonder_run("--help").out.find("Examples\n  yonder train") != std::string::npos);
  for (const std::string command : {"train", "eval", "logits"}) {
    const Ran ran = yonder_run(command + " --help-all");
    CHECK(ran.code == 0);
    CHECK(ran.err == "");
    CHECK(ran.out.find("Examples\n  yonder " + command) != std::string::npos);
    for (const Entry& e : registry())
      for (const Option& o : e.make()->options()) {
        if (command != "train" && !o.inference_time) continue;
        INFO(e.name << "." << o.name);
        CHECK(ran.out.find("--" + kebab_case(e.name + "." + o.name) + " ") != std::string::npos);
        CHECK(o.help != "");
      }
  }
}

TEST_CASE("the help of each command has at most 60 lines, and all help at most 100 columns") {
  for (const std::string command : {"", "train", "sweep", "ablate", "eval", "report", "bench",
                                    "list", "show", "data", "logits", "completion"})
    for (const std::string flag : {"--help", "--help-all"}) {
      const Ran ran = yonder_run(command + " " + flag);
      if (command.empty() && flag == "--help-all") continue;
      CHECK(ran.code == 0);
      CHECK(ran.out.find("yonder " + (command == "ablate" ? "sweep" : command)) != ran.out.npos);
      std::istringstream lines(ran.out);
      int count = 0;
      for (std::string line; std::getline(lines, line); ++count) {
        INFO(command << ": " << line);
        CHECK(columns(line) <= 100);
      }
      INFO(command << " " << flag << " has " << count << " lines");
      if (flag == "--help") CHECK(count <= 60);
    }
}

TEST_CASE("help shows the options of the encodings and tasks named on the command line") {
  const std::string plain = yonder_run("train --help").out,
                    rope = yonder_run("train --encoding rope+logn --task copy --help").out;
  for (const char* flag : {"--rope.base ", "--logn.when ", "--copy.alphabet "}) {
    CHECK(plain.find(flag) == plain.npos);
    CHECK(rope.find(flag) != rope.npos);
  }
  CHECK(rope.find("--alibi.") == rope.npos);
}

TEST_CASE("a flag's former name and '_' for '-' are accepted, the former with one note") {
  const Folder folder;
  const std::string run = folder / "run";
  const Ran ran = yonder_run(
      "train --task copy --length 4 --width 16 --heads 2 --layers 1 --batch 4 "
      "--steps 2 --lr-end 0.5 --weight_decay 0 --reduce ordered --clip 2 "
      "--encoding.until 0.5 --quiet --out " +
      run);
  CHECK(ran.code == 0);
  for (const char* said :
       {"--length is now --train-length\n", "--lr-end is now --min-lr-ratio\n",
        "--reduce is now --allreduce\n", "ordered is now deterministic\n",
        "--clip is now --grad-clip\n", "--encoding.until is now --encoding.switch-at\n"})
    CHECK(ran.err.find(said) != ran.err.npos);
  CHECK(std::count(ran.err.begin(), ran.err.end(), '\n') == 6);
  const std::string config = content_of(run + "/config.toml");
  for (const char* line : {"train_length = 4\n", "min_lr_ratio = 0.5\n", "weight_decay = 0\n",
                           "allreduce = 'deterministic'\n", "grad_clip = 2\n", "switch_at = 0.5\n"})
    CHECK(config.find(line) != config.npos);
}

TEST_CASE("eval --lengths is --eval-lengths, without a note") {
  const std::string eval = "eval " + trained_run() + " --json --quiet ";
  const Ran ran = yonder_run(eval + "--lengths 4,8");
  CHECK(ran.code == 0);
  CHECK(ran.err.empty());
  CHECK(ran.out == yonder_run(eval + "--eval-lengths 4,8").out);
}

TEST_CASE("a flag can turn off a switch that a file turns on") {
  const Folder folder;
  put(folder / "c.toml", "[model]\nbidirectional = true\ntied = true\n");
  const Ran ran = yonder_run("train --config " + (folder / "c.toml") + tiny_copy +
                             "--bidirectional=false --steps 2 --quiet --out " + (folder / "run"));
  CHECK(ran.code == 0);
  const std::string config = content_of(folder / "run/config.toml");
  CHECK(config.find("bidirectional = false") != config.npos);
  CHECK(config.find("tie_embeddings = true") != config.npos);
}

TEST_CASE("common names are accepted in any case, and suggestions use yonder's names") {
  const Folder folder;
  const std::string run = folder / "run";
  REQUIRE(yonder_run("train" + tiny_copy + "--encoding RoTary+LogN --steps 2 --quiet --out " + run)
              .code == 0);
  CHECK(content_of(run + "/config.toml").find("encoding = 'rope+logn'") != std::string::npos);
  CHECK(yonder_run("show encoding NoPE").out.starts_with("none: "));
  CHECK(yonder_run("show encoding sin").out.starts_with("sinusoidal: "));
  refused("show encoding rotray", 2, "did you mean 'rope'?");
  refused("show rope", 3, "did you mean yonder show encoding rope?");
  CHECK(yonder_run("show task copy").out.starts_with("copy: "));
}
