#include "train/report/markdown_latex.h"

#include <fmt/core.h>
#include <algorithm>
#include <cctype>

#include "train/report/table.h"
#include "train/results/format.h"
#include "train/results/orderings.h"
#include "train/results/predictions.h"

namespace yonder {
namespace {

// What both formats show of a cell.
struct Figure {
  std::string median, range, problem;
};

Figure figure(const Results& r, const Row& row, int length, const Measure& m) {
  const Spread s = r.at(row, length, m);
  if (s.empty()) return {"", "", r.problem(row, length)};
  const std::string median = shown(s.median, m) + counted(r, s);
  if (s.count == 1) return {median, "", ""};
  return {median, shown(s.least, m) + "–" + shown(s.most, m), ""};
}

std::string caption(const Results& r, const Measure& m) {
  return r.title() + ": " + m.title +
         (r.seeds > 1 ? fmt::format("; median and range of {} seeds", r.seeds) : "");
}

std::string markdown_table(const Results& r, const Measure& m) {
  std::string head = "| |", rule = "|---|", text;
  for (int length : r.lengths) {
    head += length == r.train_length
                ? fmt::format(" **{}** (trained) |", text_of(length, r.bins))
                : fmt::format(" {} ({}×) |", text_of(length, r.bins), r.multiple(length));
    rule += "---:|";
  }
  for (const Row& row : r.rows) {
    text += "| " + markdown_text(row.printed()) + " |";
    for (int length : r.lengths) {
      const Figure c = figure(r, row, length, m);
      text += " " +
              (c.problem.empty() ? c.median + (c.range.empty() ? "" : " [" + c.range + "]")
                                 : c.problem) +
              " |";
    }
    text += "\n";
  }
  return head + "\n" + rule + "\n" + text;
}

std::string latex_cell(const Results& r, const Row& row, int length, const Measure& m,
                       LatexSpread spread) {
  const Figure c = figure(r, row, length, m);
  if (!c.problem.empty()) return "\\emph{" + latex_text(c.problem) + "}";
  const std::string median = is_best(r, row, length, m) ? "\\textbf{" + c.median + "}" : c.median;
  const auto values = r.values(row, length, m);
  if (spread == LatexSpread::none || values.size() < 2) return median;
  if (spread == LatexSpread::range) return median + " {\\scriptsize[" + latex_text(c.range) + "]}";
  return median + " {\\scriptsize$\\pm$" + shown(standard_deviation(values), m) + "}";
}

// "tab:yonder-text-loss": of letters, digits and dashes.
std::string label_of(const Results& r, const Measure& m) {
  std::string label = "tab:yonder-";
  for (char c : r.title() + "-" + m.name)
    label += std::isalnum(static_cast<unsigned char>(c)) ? c : '-';
  return label;
}

std::string latex_table(const Results& r, const Measure& m, LatexSpread spread) {
  std::string head, text;
  for (int length : r.lengths)
    head += " & " + text_of(length, r.bins) + (length == r.train_length ? "$^*$" : "");
  for (const Row& row : r.rows) {
    text += latex_text(row.printed());
    for (int length : r.lengths) text += " & " + latex_cell(r, row, length, m, spread);
    text += " \\\\\n";
  }
  std::string seeds = r.seeds > 1 ? fmt::format("; median of {} seeds", r.seeds) : "";
  if (!seeds.empty() && spread == LatexSpread::range) seeds += " [range]";
  if (!seeds.empty() && spread == LatexSpread::sd) seeds += " $\\pm$ standard deviation";
  return "\\begin{table}\n\\centering\\small\\setlength{\\tabcolsep}{4pt}\n\\caption{" +
         latex_text(r.title() + ": " + m.title) + " by evaluation length" + seeds +
         ". $^*$ training length; best in bold.}\n\\label{" + label_of(r, m) +
         "}\n\\begin{tabular}{l" + std::string(r.lengths.size(), 'r') + "}\n\\toprule\n" + head +
         " \\\\\n\\midrule\n" + text + "\\bottomrule\n\\end{tabular}\n\\end{table}\n";
}

}  // namespace

std::string markdown_text(const std::string& text) {
  std::string out;
  for (char c : printable(text))
    if (c == '|' || c == '*' || c == '_' || c == '<' || c == '`') out += std::string("\\") + c;
    else out += c;
  return out;
}

std::string latex_text(const std::string& text) {
  static const std::pair<std::string, const char*> signs[] = {{"\\", "\\textbackslash{}"},
                                                              {"~", "\\textasciitilde{}"},
                                                              {"^", "\\textasciicircum{}"},
                                                              {"<", "\\textless{}"},
                                                              {">", "\\textgreater{}"},
                                                              {"–", "--"},
                                                              {"×", "$\\times$"},
                                                              {"−", "$-$"},
                                                              {"&", "\\&"},
                                                              {"%", "\\%"},
                                                              {"$", "\\$"},
                                                              {"#", "\\#"},
                                                              {"_", "\\_"},
                                                              {"{", "\\{"},
                                                              {"}", "\\}"}};
  const std::string plain = printable(text);
  std::string out;
  for (std::size_t at = 0; at < plain.size();) {
    const auto sign = std::ranges::find_if(
        signs, [&](const auto& s) { return plain.compare(at, s.first.size(), s.first) == 0; });
    const bool found = sign != std::end(signs);
    out += found ? sign->second : std::string(1, plain[at]);
    at += found ? sign->first.size() : 1;
  }
  return out;
}

std::string as_markdown(const Study& study) {
  std::string text;
  for (const Results& r : study.panels) {
    for (const Measure& m : r.measures())
      text +=
          (text.empty() ? "" : "\n") + markdown_text(caption(r, m)) + "\n\n" + markdown_table(r, m);
    std::string steps;
    for (const Ordering& o : orderings(r, r.longest(), r.measures().front()))
      steps += "- " + markdown_text(said(o) + "; " + evidence(o)) + "\n";
    if (!steps.empty()) text += "\n" + steps;
  }
  for (const Verdict& v : verdicts(study)) {
    text += fmt::format("\n**{}**: {}\n\n", name_of(v.result),
                        markdown_text(fmt::format("{} ({}){}", v.claim.text, v.claim.source,
                                                  v.why.empty() ? "" : "; " + v.why)));
    for (const Ordering& o : v.steps)
      text += "- " + markdown_text(said(o) + "; " + evidence(o)) + "\n";
  }
  const std::vector<Predicted> all = predictions(study);
  if (!all.empty()) text += "\n" + markdown_text(summary(study, all)) + "\n\n";
  for (const Predicted& p : all) text += "- " + markdown_text(said(study, p)) + "\n";
  return text;
}

std::string as_latex(const Study& study, LatexSpread spread) {
  std::string text = "% needs \\usepackage{booktabs}\n";
  for (const Results& r : study.panels)
    for (const Measure& m : r.measures()) text += latex_table(r, m, spread);
  return text;
}

}  // namespace yonder
