#include "train/report/html/html.h"

#include <cmath>
#include <cstdio>

namespace yonder {
namespace {

// Okabe & Ito's colours behind the numbers, thin enough to read them in light and dark.
const char* const style = R"css(
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1c1e21; --quiet: #63676e;
  --line: #dcdee2; --soft: #f4f5f7; --link: #0062a3; --tint: 30%;
  --better: #56B4E9; --same: #009E73; --worse: #F0E442; --lost: #E69F00; --gone: #D55E00; }
@media (prefers-color-scheme: dark) { :root { --paper: #15171b; --ink: #e8e8e8; --quiet: #a0a4ab;
  --line: #363a41; --soft: #1e2126; --link: #6db8ea; --tint: 42%; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; overflow-wrap: break-word; background: var(--paper); color: var(--ink);
  font: 1.0625rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 3rem 1.5rem 6rem; }
h1 { font-size: 2.1rem; line-height: 1.2; margin: 0 0 .4rem; letter-spacing: -.01em; }
h2 { font-size: 1.45rem; line-height: 1.3; margin: 4.5rem 0 .8rem; }
h3 { font-size: 1.08rem; margin: 2.2rem 0 .6rem; }
p, ul, dl { margin: 0 0 1rem; max-width: 46rem; }
a { color: var(--link); }
.quiet { color: var(--quiet); }
.findings { padding: 0; list-style: none; }
.findings li { margin: 0 0 .7rem; }
.findings li:first-child { font-size: 1.25rem; line-height: 1.45; margin-bottom: 1rem; }
nav { margin: 1.2rem 0 2.2rem; font-size: .95rem; }
nav a { margin-right: 1.1rem; white-space: nowrap; text-decoration: none; }
nav a:hover { text-decoration: underline; }
code, pre { font: .88em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { background: var(--soft); padding: .9rem 1rem; border-radius: 6px; overflow-x: auto;
  white-space: pre-wrap; overflow-wrap: anywhere; }
code { overflow-wrap: anywhere; }
figure { margin: 1.6rem 0 2rem; overflow-x: auto; }
figure figcaption { color: var(--quiet); font-size: .93rem; max-width: 46rem; }
svg.chart { display: block; width: 100%; min-width: 31rem; max-width: 50rem; height: auto; }
.names { display: none; overflow-wrap: anywhere; } .names svg { flex: none; }
.names span { display: inline-flex; align-items: baseline; margin-right: .9rem; }
svg.chart text { font-family: inherit; }
svg.chart [fill="black"], svg.chart [fill="rgb(0,0,0)"], svg.chart [fill="rgb(  0,   0,   0)"]
  { fill: var(--ink); }
svg.chart [fill="#000000"] { fill: var(--ink); } svg.chart [stroke="#000000"],
svg.chart [stroke="black"], svg.chart [stroke="rgb(  0,   0,   0)"] { stroke: var(--ink); }
svg.chart [color="black"], svg.chart [color="rgb(  0,   0,   0)"] { color: var(--ink); }
svg.chart [stroke="rgb(226, 226, 226)"] { stroke: var(--line); }
svg.chart [fill="rgb(122, 122, 122)"], svg.chart [fill="rgb(122,122,122)"],
svg.chart [fill="rgb(128, 128, 128)"] { fill: var(--quiet); }
svg.chart.chosen g[id*=gnuplot_plot] { opacity: .18; }
svg.chart.chosen g[id*=gnuplot_plot].here { opacity: 1; }
.scroll { overflow-x: auto; margin: 1rem 0 1.6rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .95rem; }
th, td { padding: .38rem .7rem; text-align: right; white-space: nowrap; vertical-align: top; }
th { font-weight: 600; border-bottom: 1px solid var(--line); vertical-align: bottom; }
th small, td small { display: block; font-weight: 400; color: var(--quiet); font-size: .8rem; }
td small { color: inherit; opacity: .75; }
th:first-child, td:first-child, td.words { text-align: left; }
td.words { white-space: normal; min-width: 11rem; }
.scroll th:first-child, .scroll td:first-child { position: sticky; left: 0; z-index: 1;
  background: var(--paper); white-space: normal; min-width: 6rem; }
tbody tr:hover td:first-child { color: var(--link); }
td.cell { border: 2px solid var(--paper); border-radius: 6px; }
td details summary { cursor: pointer; list-style: none; }
td details summary::-webkit-details-marker { display: none; }
td details > div { font-size: .82rem; text-align: left; padding-top: .35rem; line-height: 1.45; }
.better { background: color-mix(in srgb, var(--better) var(--tint), var(--paper)); }
.same { background: color-mix(in srgb, var(--same) var(--tint), var(--paper)); }
.worse { background: color-mix(in srgb, var(--worse) var(--tint), var(--paper)); }
.lost { background: color-mix(in srgb, var(--lost) calc(var(--tint) + 12%), var(--paper)); }
.gone { background: color-mix(in srgb, var(--gone) calc(var(--tint) + 14%), var(--paper)); }
.here { box-shadow: inset 0 0 0 1px var(--quiet); }
.key span { display: inline-block; padding: .05rem .55rem; margin: 0 .35rem .35rem 0;
  border-radius: 5px; font-size: .88rem; color: var(--ink); }
th.sorts { cursor: pointer; user-select: none; }
th[aria-sort=ascending]::after { content: " \25B2"; font-size: .7em; }
th[aria-sort=descending]::after { content: " \25BC"; font-size: .7em; }
.verdict { border-left: 5px solid var(--line); padding: .1rem 0 .1rem 1rem; margin: 1.6rem 0; }
.verdict.reproduced { border-color: var(--same); } .verdict.partly { border-color: var(--lost); }
.verdict.not { border-color: var(--gone); }
.verdict strong { font-size: 1.1rem; }
.small-maps { display: flex; flex-wrap: wrap; gap: 1.6rem 2.2rem; }
.small-maps figure { margin: 0; min-width: 0; }
table.map { font-size: .8rem; } table.map td, table.map th { padding: .2rem .45rem; }
table.map td { border: 1px solid var(--paper); }
table.pixels { table-layout: fixed; } table.pixels td { padding: 0; width: .62rem; height: .62rem; }
table.pixels td { border: 0; }
summary { cursor: pointer; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.4rem; }
dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
@media (min-width: 40rem) { .verdict .scroll td:first-child { min-width: 15rem; } }
@media (max-width: 40rem) { main { padding: 1.6rem 1rem 4rem; } h1 { font-size: 1.6rem; }
  h2 { margin-top: 3.2rem; } th, td { padding: .34rem .5rem; } .findings li:first-child
  { font-size: 1.12rem; } .names { display: block; position: sticky; left: 0; } dl { grid-template-columns: 1fr; } dd { margin-bottom: .5rem; } }
@media print { main { max-width: none; } details > div { display: block; } }
)css";

// Without it the page says the same: it sorts tables and points at the line of a row.
const char* const script = R"js(
document.querySelectorAll('table.sortable').forEach(table => {
  const body = table.tBodies[0];
  table.tHead.querySelectorAll('th').forEach((head, column) => {
    head.classList.add('sorts');
    head.title = 'sort';
    head.addEventListener('click', () => {
      const up = head.getAttribute('aria-sort') !== 'ascending';
      table.tHead.querySelectorAll('th').forEach(h => h.removeAttribute('aria-sort'));
      head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
      const key = row => row.cells[column].dataset.value ?? row.cells[column].textContent;
      const order = (a, b) => {
        const x = key(a), y = key(b), m = parseFloat(x), n = parseFloat(y);
        if (x === '' || y === '') return (x === '') - (y === '');
        const less = isNaN(m) || isNaN(n) ? x.localeCompare(y) : m - n;
        return up ? less : -less;
      };
      [...body.rows].sort(order).forEach(row => body.append(row));
    });
  });
});
document.querySelectorAll('tr[data-row]').forEach(row => {
  const plots = [...document.querySelectorAll('svg.chart')].map(svg => [svg,
    [...svg.querySelectorAll('g[id*=gnuplot_plot]')].filter(g =>
      g.querySelector('title')?.textContent === row.dataset.row)]).filter(([, g]) => g.length);
  const show = on => plots.forEach(([svg, lines]) => {
    svg.classList.toggle('chosen', on);
    lines.forEach(g => g.classList.toggle('here', on));
  });
  row.addEventListener('mouseenter', () => show(true));
  row.addEventListener('mouseleave', () => show(false));
});
)js";

}  // namespace

std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '"') out += "&quot;";
    else out += c;
  }
  return out;
}

std::string with_sign(double x, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, std::abs(x));
  return (x < 0 ? "−" : "+") + std::string(text);
}

std::string element(const std::string& name, const std::string& attributes,
                    const std::string& content) {
  return "<" + name + (attributes.empty() ? "" : " " + attributes) + ">" + content + "</" + name +
         ">";
}

std::string section(const std::string& id, const std::string& heading, const std::string& content) {
  if (content.empty()) return "";
  return "\n<section id=\"" + id + "\">\n" + element("h2", escaped(heading)) + "\n" + content +
         "</section>\n";
}

std::string scrolling_table(const std::string& classes, const std::string& head,
                            const std::string& rows) {
  return "<div class=\"scroll\" tabindex=\"0\"><table class=\"" + classes + "\">\n<thead><tr>" +
         head + "</tr></thead>\n<tbody>\n" + rows + "</tbody>\n</table></div>\n";
}

std::string page(const std::string& title, const std::string& body) {
  return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta "
         "name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n" +
         element("title", escaped(title)) + "\n" + element("style", style) +
         "\n</head>\n<body>\n<main>\n" + body + "</main>\n" + element("script", script) +
         "\n</body>\n</html>\n";
}

}  // namespace yonder
