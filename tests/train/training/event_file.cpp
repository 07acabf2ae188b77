#include "train/training/event_file.h"

#include <filesystem>

#include "tests/support/binary.h"
#include "tests/support/catch.h"

using namespace yonder;

namespace {

std::string hex(const std::string& bytes) {
  std::string text;
  for (const unsigned char c : bytes) {
    text += "0123456789abcdef"[c / 16];
    text += "0123456789abcdef"[c % 16];
  }
  return text;
}

// The event files of a folder, concatenated.
std::string events_in(const std::string& folder, int& files) {
  std::string all;
  files = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder))
    if (is_event_file(file.path().filename().string()))
      all += content_of(file.path().string()), ++files;
  return all;
}

int times(const std::string& text, const std::string& what) {
  int n = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; ++at) ++n;
  return n;
}

}  // namespace

TEST_CASE("TensorBoard records equal those of its own writer") {
  CHECK(hex(event_record(version_event(1))) ==
        "1800000000000000a37f4b2209000000000000f03f1a0d627261696e2e4576656e743a3286bf577a");
  CHECK(hex(event_record(scalars_event(1, 1, {{"loss", 0.5}}))) ==
        "1a00000000000000129bd82d09000000000000f03f10012a0d0a0b0a046c6f7373150000003f27f95db1");
  // A step that takes two bytes.
  CHECK(hex(scalars_event(1, 300, {})) == "09000000000000f03f10ac022a00");
}

TEST_CASE("train --tensorboard writes every step, and --force removes the old files") {
  const Folder folder;
  const std::string run = folder / "run";
  const std::string train =
      "train --task copy --train-length 4 --width 8 --heads 1 --layers 1 "
      "--batch 2 --quiet --checkpoint-every 2 --out " +
      run;
  int files = 0;
  REQUIRE(yonder_run(train + " --steps 4").code == 0);
  CHECK(events_in(run, files).empty());
  REQUIRE(yonder_run(train + " --steps 4 --tensorboard --force").code == 0);
  const std::string all = events_in(run, files);
  CHECK(files == 1);
  CHECK(times(all, "brain.Event:2") == 1);
  for (const char* tag : {"train/loss", "train/lr", "train/grad_norm", "train/tokens_per_second"})
    CHECK(times(all, tag) == 4);
  REQUIRE(yonder_run(train + " --steps 4 --force").code == 0);  // removes the old files
  events_in(run, files);
  CHECK(files == 0);
}

TEST_CASE("sweep --tensorboard adds the evaluation losses") {
  const Folder folder;
  const std::string run = folder / "run";
  REQUIRE(yonder_run("sweep --task copy --encodings none,rope:rope.scaling=linear --train-length 4 "
                     "--eval-lengths 4,8 --width 8 --heads 2 --layers 1 --batch 2 --steps 3 "
                     "--seeds 1 --tensorboard --quiet --out " +
                     run)
              .code == 0);
  int files = 0;
  CHECK(times(events_in(run + "/cells/none-copy-s0", files), "test/copy/8/loss") == 1);
  const std::string rope = events_in(run + "/cells/rope-copy-s0", files);
  CHECK(files == 2);
  CHECK(times(rope, "test/copy/rope.scaling=linear/8/loss") == 1);
}
