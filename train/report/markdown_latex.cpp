#include "train/report/markdown_latex.h"

#include <algorithm>

#include "train/report/table.h"
#include "train/results/format.h"
#include "train/results/orderings.h"

namespace yonder {
namespace {

// What of a cell both formats show.
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
         (r.seeds > 1 ? "; median and range of " + std::to_string(r.seeds) + " seeds" : "");
}

// A | would end the cell of a table.
std::string markdown(const std::string& text) {
  std::string out;
  for (char c : text)
    if (c == '|' || c == '*' || c == '_' || c == '<' || c == '`') out += std::string("\\") + c;
    else out += c;
  return out;
}

std::string markdown_table(const Results& r, const Measure& m) {
  std::string head = "| |", rule = "|---|", text;
  for (int length : r.lengths) {
    head += length == r.trained ? " **" + std::to_string(length) + "** (trained) |"
                                : " " + std::to_string(length) + " (" + r.multiple(length) + "x) |";
    rule += "---:|";
  }
  for (const Row& row : r.rows) {
    text += "| " + markdown(row.label()) + " |";
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

std::string latex(const std::string& text) {
  std::string out;
  for (char c : text) switch (c) {
      case '\\':
        out += "\\textbackslash{}";
        break;
      case '~':
        out += "\\textasciitilde{}";
        break;
      case '^':
        out += "\\textasciicircum{}";
        break;
      case '<':
        out += "\\textless{}";
        break;
      case '>':
        out += "\\textgreater{}";
        break;
      case '&':
      case '%':
      case '$':
      case '#':
      case '_':
      case '{':
      case '}':
        out += '\\';
        [[fallthrough]];
      default:
        out += c;
    }
  for (auto at = out.find("–"); at != std::string::npos; at = out.find("–"))
    out.replace(at, std::string("–").size(), "--");
  return out;
}

std::string latex_table(const Results& r, const Measure& m) {
  std::string head, text;
  for (int length : r.lengths)
    head += " & " + (length == r.trained ? "\\textbf{" + std::to_string(length) + "}"
                                         : std::to_string(length));
  for (const Row& row : r.rows) {
    text += latex(row.label());
    for (int length : r.lengths) {
      const Figure c = figure(r, row, length, m);
      text += " & " +
              (c.problem.empty()
                   ? c.median + (c.range.empty() ? "" : " {\\scriptsize [" + latex(c.range) + "]}")
                   : "\\emph{" + latex(c.problem) + "}");
    }
    text += " \\\\\n";
  }
  return "\\begin{table}\n\\centering\n\\caption{" + latex(caption(r, m)) +
         ". The trained length is bold.}\n\\begin{tabular}{l" + std::string(r.lengths.size(), 'r') +
         "}\n\\toprule\n" + head + " \\\\\n\\midrule\n" + text +
         "\\bottomrule\n\\end{tabular}\n\\end{table}\n";
}

}  // namespace

std::string as_markdown(const Study& study) {
  std::string text;
  for (const Results& r : study.panels) {
    for (const Measure& m : r.measures())
      text += (text.empty() ? "" : "\n") + markdown(caption(r, m)) + "\n\n" + markdown_table(r, m);
    const int longest = *std::max_element(r.lengths.begin(), r.lengths.end());
    std::string steps;
    for (const Ordering& o : orderings(r, longest, r.measures().front()))
      steps += "- " + markdown(said(o) + "; " + evidence(o)) + "\n";
    if (!steps.empty()) text += "\n" + steps;
  }
  for (const Verdict& v : verdicts(study)) {
    text +=
        "\n**" + std::string(name_of(v.result)) + "**: " +
        markdown(v.claim.text + " (" + v.claim.source + ")" + (v.why.empty() ? "" : "; " + v.why)) +
        "\n\n";
    for (const Ordering& o : v.steps) text += "- " + markdown(said(o) + "; " + evidence(o)) + "\n";
  }
  return text;
}

std::string as_latex(const Study& study) {
  std::string text = "% needs \\usepackage{booktabs}\n";
  for (const Results& r : study.panels)
    for (const Measure& m : r.measures()) text += latex_table(r, m);
  return text;
}

}  // namespace yonder
