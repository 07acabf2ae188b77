#include "train/report/html/page.h"

#include <set>

#include "core/error.h"
#include "tests/support/binary.h"
#include "tests/support/catch.h"
#include "tests/support/results_fixture.h"
#include "train/report/html/render.h"
#include "train/report/terminal.h"

using namespace yonder;
namespace fs = std::filesystem;

namespace {

// Text and a task, with everything that a study can have.
Study whole(int seeds = 3) {
  Results text = found_text(seeds);
  text.rows.push_back(parse_rows("kerple:window.size=0")[0]);
  for (int seed = 0; seed < seeds; ++seed) {
    for (int length : text.lengths)
      text.scores.push_back({.row = text.rows.back(),
                             .length = length,
                             .tokens = length,
                             .seed = seed,
                             .loss = 1.7 + 0.01 * seed,
                             .examples = 48});
    // Beyond N = 64 of 512 tokens, kerple's loss is 0.1 below that with a sliding window.
    text.curves.push_back({text.rows[0], seed, {3, 1.6, 1.6, 1.6, 1.6, 1.6, 1.6, 1.6}});
    text.curves.push_back({text.rows.back(), seed, {3, 1.7, 1.7, 1.7, 1.7, 1.7, 1.7, 1.7}});
    text.late_checkpoints.push_back(text.scores[std::size_t(2 * seeds + seed)]);
    text.late_checkpoints.back().loss = 1.9;
    text.late_checkpoints.back().step = 950;
    text.learning_curve.push_back(text.scores[std::size_t(2 * seeds + seed)]);
    text.learning_curve.back().step = 500;
  }
  Results task = found_task();
  task.seeds = 2;
  task.lags = {{task.rows[0], 0, 20, 8, 16, 0.97, 12}, {task.rows[0], 0, 40, 8, 16, 0.41, 12}};
  Study study{.name = "made up",
              .title = "Long & short",
              .source = "Su 2023, arXiv:2104.09864v5, and kexue.fm/archives/9708.",
              .command = "yonder sweep --out \"runs/a\"",
              .panels = {text, task}};
  for (int seed = 0; seed < seeds; ++seed)
    study.trainings.push_back({.cell = "kerple-text-s" + std::to_string(seed),
                               .encoding = "kerple",
                               .task = "text",
                               .seed = seed,
                               .steps = 1000,
                               .lr = 3e-3,
                               .validation = 1.5,
                               .seconds = 12.5,
                               .tokens_per_second = 12345,
                               .parameters = 1234567,
                               .position_parameters = 8,
                               .loss = {3, 2, 1.7}});
  study.claims = {{"kerple < yarn", "A, Table 1", {"kerple", "rope:rope.scaling=yarn"}, 512},
                  {"rope < kerple", "B, Table 2", {"rope", "kerple"}, 512}};
  return study;
}

std::string page_of(const Study& study, const Folder& folder) {
  return content_of(write_report(study, folder.path).page);
}

}  // namespace

TEST_CASE("the page opens with the findings and has a section for each question") {
  const Folder folder;
  const std::string page = page_of(whole(), folder);
  std::size_t last = 0;
  for (const char* id : {"results", "across", "matrix", "solved", "positions", "learned",
                         "verdicts", "training", "protocol"}) {
    const auto at = page.find("<section id=\"" + std::string(id) + "\"");
    INFO(id);
    REQUIRE(at != std::string::npos);
    CHECK(at > last);
    last = at;
    CHECK(contains(page, "href=\"#" + std::string(id) + "\""));
  }
  CHECK(page.find("Loss at 8× relative to length 64: KERPLE 1.02×") <
        page.find("<svg class=\"chart\""));
  CHECK(contains(page, "<h1>Long &amp; short</h1>"));
  CHECK(contains(page, "yonder sweep --out &quot;runs/a&quot;"));
  CHECK_FALSE(contains(page, "{{"));
}

TEST_CASE("the page is self-contained, and links papers") {
  const Folder folder;
  std::string page = page_of(whole(), folder);
  const std::string paper = "<a href=\"https://arxiv.org/abs/2104.09864\">arXiv:2104.09864</a>v5",
                    post = "<a href=\"https://kexue.fm/archives/9708\">kexue.fm/archives/9708</a>.";
  for (const std::string& link : {paper, post}) {
    const auto at = page.find(link);
    INFO(link);
    REQUIRE(at != std::string::npos);
    page.erase(at, link.size());
  }
  for (const char* part : {"src=", "http:", "https:", "@import", "url(", "<link"})
    CHECK_FALSE(contains(page, part));
  std::set<std::string> ids;
  const std::string id = " id=";
  for (std::size_t at = 0; (at = page.find(id, at)) != page.npos;) {
    at += id.size();  // of the quote
    const std::string name = page.substr(at + 1, page.find(page[at], at + 1) - at - 1);
    INFO(name);
    CHECK(ids.insert(name).second);
  }
  CHECK(ids.size() > 7);
  CHECK_FALSE(contains(page, "Data:"));  // there are no files beside it
  write_file(folder.path + "/results.csv", "");
  CHECK(contains(page_of(whole(), folder), "Data: <a href=\"results.csv\">"));
}

TEST_CASE("every value of the matrix has its seeds, interval and cost in the same row") {
  const Folder folder;
  const std::string page = page_of(whole(), folder);
  const auto row = page.find("<tr data-row=\"RoPE + YaRN\">", page.find("<section id=\"matrix\""));
  REQUIRE(row != std::string::npos);
  const std::string cells = page.substr(row, page.find("</tr>", row) - row);
  CHECK(contains(cells, "<summary>1.93<small>1.92–1.94 · 1.20×</small></summary>"));
  CHECK(contains(cells, "seed 2: 1.94"));
  CHECK(contains(cells, "interval 1.92–1.94"));
  CHECK(contains(cells, "<td>1.82</td>"));  // the mean of 1.71 and 1.93
  CHECK(contains(cells, "<td>0.00</td>"));  // no cost at the training length
  CHECK(contains(page, "75 % confidence interval (n = 3)"));
  CHECK(contains(page, "class=\"score gone\"><details><summary>4.97"));
  CHECK(contains(page, "table ends"));
  CHECK(contains(page, "99.0 (1 of 2)<small>"));  // copy should have two seeds
  CHECK(contains(page, "class=\"score same best\"><details><summary>1.64"));
  CHECK(contains(page, "<summary>2.37<small>"));  // 1.64 nats in bits per byte
  CHECK(contains(page, "<summary>5.16<small>"));  // and as perplexity
}

TEST_CASE("tables have captions, and their heads have scopes") {
  const Folder folder;
  const std::string page = page_of(whole(), folder);
  std::size_t tables = 0;
  for (std::size_t at = 0; (at = page.find("<table", at)) != page.npos; ++at, ++tables)
    CHECK(page.compare(page.find('>', at) + 2, 9, "<caption>") == 0);
  CHECK(tables > 8);
  for (std::size_t at = 0; (at = page.find("<th", at)) != page.npos; ++at)
    CHECK((page.compare(at, 7, "<thead>") == 0 || page.compare(at, 10, "<th scope=") == 0));
}

TEST_CASE("the page has verdicts of both kinds, and judges windows and checkpoints") {
  const Folder folder;
  const std::string page = page_of(whole(6), folder);
  CHECK(contains(page, "<strong>reproduced (p = 0.031 by Holm)</strong>"));
  CHECK(contains(page, "<strong>not reproduced (p = 1 by Holm)</strong>"));
  CHECK(contains(page, "far context is used"));
  CHECK(contains(page, "−0.100 to −0.100"));
  CHECK(contains(page, "1.63–1.90"));  // kerple's checkpoints
  CHECK(contains(page, "1,234,559"));  // content parameters
  CHECK(contains(page, ">97</td>"));   // of the lag map
  CHECK(contains(page, "at least 90 % exact match"));
  CHECK(contains(page, ">0 of 1"));
  CHECK(contains(page, "Beyond the training length, over training"));
}

TEST_CASE("the terminal's report has rankings, verdicts and the path of the page") {
  const Folder folder;
  write_report(whole(6), folder.path);
  const std::string text = report(whole(6), folder.path, {.columns = 200});
  CHECK(contains(text,
                 "Ranking at 512 (seeds in which each order holds): KERPLE < RoPE + YaRN (6 of "
                 "6) < RoPE (6 of 6)."));
  CHECK(contains(text, "Claim: rope < kerple (B, Table 2)\nResult: not reproduced.\n"));
  CHECK(contains(text, "  RoPE < KERPLE at 512: 0 of 6 seeds\n    median difference 3.330 nats"));
  CHECK(contains(text, "Report   " + folder.path + "/report.html\n"));
}

TEST_CASE("rows that are equal in every seed share a rank") {
  Study study{.name = "equal", .panels = {found_text()}};
  for (EvalScore& s : study.panels[0].scores)
    if (s.length == 512 && s.row.encoding != "learned") s.loss = s.row.extension.empty() ? 2 : 2.5;
  CHECK(contains(report(study, "x", {.columns = 200}),
                 "Ranking at 512 (seeds in which each order holds): KERPLE = RoPE < RoPE + YaRN (3 "
                 "of 3)."));
}

TEST_CASE("rows at chance are not ranked") {
  Study study{.name = "chance", .panels = {found_text()}};
  const auto ranked = [&study] { return contains(report(study, "x", {}), "Ranking"); };
  CHECK(ranked());
  study.panels[0].unigram_loss = 1;
  CHECK_FALSE(ranked());
}

TEST_CASE("names that would run, escape or move a file stay text in page, pictures and terminal") {
  const Folder folder;
  const std::string evil = "../../x`touch " + (folder / "pwned") + "`$(id)<script>\x1b[31m\n";
  Study study = whole();
  study.title = study.failures.emplace_back(Failure{"a", evil}).reason;
  for (Results& r : study.panels) r.task += evil, r.variant = "x=" + evil;
  for (Training& t : study.trainings) t.task += evil, t.variant = "x=" + evil, t.cell = "../..";
  study.claims[0].text = study.claims[0].source = evil;
  fs::create_directory(folder / "page");
  const Written written = write_report(study, folder / "page");
  const std::string text = report(study, folder / "page", {.columns = 200});
  CHECK_FALSE(fs::exists(folder / "pwned"));
  CHECK(std::distance(fs::directory_iterator(folder.path), {}) == 1);
  CHECK(std::distance(fs::directory_iterator(folder / "page"), {}) == 2);  // the page and plots/
  std::set<std::string> pictures(written.pictures.begin(), written.pictures.end());
  CHECK(pictures.size() == written.pictures.size());
  CHECK(pictures.size() > 3);
  for (const std::string& path : pictures) {
    const fs::path picture = path;
    INFO(path);
    CHECK(picture.parent_path() == folder / "page/plots");
    CHECK(picture.filename().string().find_first_not_of(
              "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+=-") ==
          std::string::npos);
    CHECK_FALSE(contains(content_of(path), "<script"));
  }
  for (const std::string& shown : {content_of(written.page), text})
    CHECK_FALSE(contains(shown, "\x1b"));
  CHECK_FALSE(contains(content_of(written.page), "<script>\x1b"));
  CHECK_FALSE(contains(content_of(written.page), "<script>?"));
}

TEST_CASE("pictures whose names differ only in forbidden characters are two files") {
  Study study{.name = "two", .panels = {found_text(1), found_text(1)}};
  study.panels[0].variant = "text.path=ελ.txt";
  study.panels[1].variant = "text.path=με.txt";
  const Folder folder;
  const auto pictures = write_report(study, folder.path).pictures;
  CHECK(std::set<std::string>(pictures.begin(), pictures.end()).size() == 2);
  for (const std::string& path : pictures) CHECK(path.ends_with("-loss.svg"));
}

TEST_CASE("markup in a title, a row's reason or a source stays text") {
  Study study = whole();
  study.title = "<script>alert(1)</script>";
  study.failures = {{"a", "<b> & \"c\""}};
  const Folder folder;
  const std::string page = page_of(study, folder);
  CHECK_FALSE(contains(page, "<script>alert"));
  CHECK(contains(page, "&lt;b&gt; &amp; &quot;c&quot;"));
  CHECK(escaped("a<b>&\"'\n\x1b\n") == "a&lt;b&gt;&amp;&quot;&#39;\n?\n");
}

TEST_CASE("a suggested next command is safe to paste and to show") {
  CHECK(shell_word("runs/a_b-c.d") == "runs/a_b-c.d");
  CHECK(shell_word("it's `id`") == "'it'\\''s `id`'");
  CHECK(shell_word("ε") == "'ε'");
  CHECK(shell_word("\x1b[31m\n") == "''$'\\033''[31m'$'\\012'''");
  const Folder folder;
  put(folder / "word", "printf %s " + shell_word("a\x1b'\n\\b") + " >" + (folder / "out"));
  REQUIRE(std::system(("bash " + (folder / "word")).c_str()) == 0);
  CHECK(content_of(folder / "out") == "a\x1b'\n\\b");
}

TEST_CASE("a page without a title of its own names all of its tasks") {
  const Folder folder;
  const std::string page =
      page_of({.name = "two", .panels = {found_text(1), found_task()}}, folder);
  CHECK(contains(page,
                 "<h1>KERPLE, RoPE and learned on text and copy: evaluated to 8 times the training "
                 "length</h1>"));
}

TEST_CASE("a study without curves, claims or trainings has no empty sections") {
  const Folder folder;
  const std::string page = page_of({.name = "small", .panels = {found_text(1)}}, folder);
  for (const char* id : {"solved", "positions", "learned", "training"})
    CHECK_FALSE(contains(page, "<section id=\"" + std::string(id) + "\""));
  CHECK(contains(page, "<section id=\"matrix\""));
  CHECK(contains(page,
                 "<h1>KERPLE, RoPE and learned on text: trained on 64 bytes, evaluated to 512"));
}

TEST_CASE("an empty value omits its section, and a missing asset is an error") {
  CHECK(rendered("link", {{"href", ""}, {"words", ""}, {"plain", "a&b"}}) == "a&amp;b");
  CHECK_THROWS_AS(asset("page.html"), std::logic_error);
}

TEST_CASE("in Chromium, tables sort, a value opens, and a narrow screen fits all", "[slow]") {
  if (std::system("command -v chromium >/dev/null") != 0) {
    const std::string why = "chromium is not installed (Debian: apt-get install chromium)";
    if (std::getenv("YONDER_TRY_ALL")) FAIL(why);
    WARN(why + ": the page is not tried");
    return;
  }
  const Folder folder;
  std::string page = page_of(whole(), folder);
  // Sorts the first matrix by the longest length, opens its first value, and reports the outcome.
  const std::string probe = R"js(<script>
    const table = document.querySelector('table.matrix');
    const heads = table.tHead.rows[0].cells, last = heads[3];
    const rows = () => [...table.tBodies[0].rows].map(r => r.dataset.row).join(',');
    const click = () => last.querySelector('button').click();
    click();
    const up = rows();
    click();
    const sorted = last.getAttribute('aria-sort'), width = table.scrollWidth;
    const cell = table.querySelector('td.score details');
    cell.querySelector('summary').click();
    document.title = JSON.stringify({up, down: rows(), open: cell.open, sorted,
      grown: table.scrollWidth - width < 60,
      wide: document.documentElement.scrollWidth > window.innerWidth,
      pictures: [...document.querySelectorAll('figure svg')].filter(s =>
        s.getBoundingClientRect().height > 100).length});
  </script></body>)js";
  page.replace(page.rfind("</body>"), 7, probe);
  put(folder / "probe.html", page);
  const std::string command =
      "chromium --headless --no-sandbox --disable-gpu --window-size=400,800 --user-data-dir=" +
      (folder / "profile") + " --dump-dom file://" + (folder / "probe.html") + " >" +
      (folder / "dom") + " 2>/dev/null";
  REQUIRE(std::system(command.c_str()) == 0);
  const std::string dom = content_of(folder / "dom");
  INFO(dom.substr(dom.find("<title>"), 400));
  CHECK(contains(dom, "\"up\":\"KERPLE,KERPLE + window,RoPE + YaRN,RoPE,learned\""));
  CHECK(contains(dom, "\"down\":\"RoPE,RoPE + YaRN,KERPLE + window,KERPLE,learned\""));
  for (const char* part : {"\"open\":true", "\"sorted\":\"descending\"", "\"grown\":true"})
    CHECK(contains(dom, part));
  CHECK(contains(dom, "\"wide\":false"));
  CHECK(contains(dom, "\"pictures\":"));
  CHECK_FALSE(contains(dom, "\"pictures\":0"));
}
