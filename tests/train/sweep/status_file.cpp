#include "train/sweep/status_file.h"

#include "core/error.h"
#include "tests/support/binary.h"
#include "tests/support/catch.h"
#include "train/sweep/progress_board.h"

using namespace yonder;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a sweep's progress can be read by other processes until it is done") {
  const Folder folder;
  CHECK(read_status(folder.path).empty());
  write_status(folder.path, "cells: 1 of 3 done");
  CHECK_THAT(read_status(folder.path),
             ContainsSubstring("cells: 1 of 3 done (") && ContainsSubstring(" s ago, "));
  remove_status(folder.path);
  CHECK(read_status(folder.path).empty());
  put(folder / "progress.json", "{\"words\": 3}");
  CHECK_THROWS_AS(read_status(folder.path), FileError);
}

TEST_CASE("a progress line names some of many cells and counts the rest") {
  Progress quiet(true);
  std::vector<std::string> names;
  for (int i = 0; i < 20; ++i) names.push_back("c" + std::to_string(i));
  ProgressBoard board(names, 25, quiet);
  for (int i = 0; i < 12; ++i) board.started(i);
  board.done(0, {});
  board.failed(1, "no luck");
  CHECK_THAT(board.line(), ContainsSubstring("runs: 6 of 25 done, 1 failed") &&
                               ContainsSubstring("; c2 0 %, c3 0 %") &&
                               ContainsSubstring("c9 0 % and 2 more"));
  const Metrics step{.loss = 1.714, .tokens_per_second = 31000};
  board.on_progress(2, ProgressBoard::said(0.62, &step));
  board.on_progress(3, ProgressBoard::said(0.31, &step));
  CHECK_THAT(board.line(),
             ContainsSubstring("c2 62 % (loss 1.71), c3 31 % (loss 1.71), c4 0 %, ") &&
                 ContainsSubstring("62.0k tokens/s; c2"));
  board.on_progress(2, ProgressBoard::said(0.93));  // its evaluation
  CHECK_THAT(board.line(),
             ContainsSubstring("c2 93 %, c3") && ContainsSubstring(", 31.0k tokens/s; c2"));
}
