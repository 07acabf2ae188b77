#include "train/report/probes.h"

#include <fmt/core.h>
#include <algorithm>
#include <cmath>
#include <numbers>

namespace yonder {
namespace {

// 1, 2, 3, …, then in steps of 5 %, up to `last`.
std::vector<int> distances(int last) {
  std::vector<int> all;
  for (double d = 1; d <= last; d = std::max(d + 1, std::floor(d * 1.05))) all.push_back(int(d));
  if (!all.empty() && all.back() != last) all.push_back(last);
  return all;
}

// bias[h][j] of key j for the query `row`, from every term that is not a product with q or k.
std::vector<std::vector<double>> bias_of_row(const ScoreTerms& s, const Positions& at, int heads,
                                             int row) {
  const int T = at.tokens;
  std::vector<std::vector<double>> bias(heads, std::vector<double>(T, 0.0));
  for (const RelativeTerm& term : s.relative) {
    if (!term.c) continue;
    const Tensor& c = term.c.value();
    for (int j = 0; j < T; ++j)
      for (int h = 0; h < heads; ++h)
        bias[h][j] += c[std::int64_t(term.bucket(at(0, row) - at(0, j))) * heads + h];
  }
  if (s.log_gate)
    for (int h = 0; h < heads; ++h) {
      double sum = 0;
      for (int j = row; j >= 0; sum += double(s.log_gate.value()[std::int64_t(j--) * heads + h]))
        bias[h][j] += sum;
    }
  for (const StripBias& strip : s.strips) {
    std::vector<real> values(std::size_t(heads) * T);
    strip.forward(0, row, 1, values.data());
    for (int h = 0; h < heads; ++h)
      for (int j = 0; j < T; ++j) bias[h][j] += values[std::size_t(h) * T + j];
  }
  return bias;
}

// The first layer with a bias; −1 if there is none.
int layer_of_bias(const Composition& encoding) {
  for (const Composition::Component& p : encoding.components())
    if (p.entry->kind == Kind::bias) return p.layers.empty() ? 0 : p.layers.front();
  return -1;
}

// The entry of the component with that probe, or null.
const Entry* drawn(const Composition& encoding, Probe probe) {
  for (const Composition::Component& p : encoding.components())
    if (p.entry->probe == probe) return p.entry;
  return nullptr;
}

using Vector = std::vector<double>;

double dot(const Vector& a, const Vector& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// The direction of largest variance of centred points, orthogonal to `others`: power iteration.
Vector principal(const std::vector<Vector>& points, const std::vector<Vector>& others) {
  Vector v(points.front().size());
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = std::cos(double(i + 1));  // any start
  for (int round = 0; round < 200; ++round) {
    Vector next(v.size(), 0.0);
    for (const Vector& p : points) {
      const double along = dot(p, v);
      for (std::size_t i = 0; i < v.size(); ++i) next[i] += along * p[i];
    }
    for (const Vector& other : others) {
      const double along = dot(next, other);
      for (std::size_t i = 0; i < v.size(); ++i) next[i] -= along * other[i];
    }
    const double norm = std::sqrt(dot(next, next));
    if (!(norm > 0)) return v;
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = next[i] / norm;
  }
  return v;
}

// p_l(i) at positions 0..longest−1, [≤ longest], and where it is added.
struct Path {
  std::string name;  // "input" or the layer
  std::vector<Vector> points;
};

// What the hooks add to zeros, at the input and in each layer. Omits all-zero paths; stops at a
// position that is not finite.
std::vector<Path> paths_of(Transformer& model, int longest) {
  Composition& encoding = model.encoding();
  const Placed placed(encoding, {.tokens = longest, .longest = longest});
  const int D = model.dims().width;
  const Var zeros{Tensor({1, longest, D})};
  const std::vector<int> tokens(std::size_t(longest), 0);
  encoding.begin(placed);
  std::vector<Path> all;
  const auto add = [&](const std::string& name, const Var& added) {
    const real* x = added.value().data.get();
    if (std::all_of(x, x + std::int64_t(longest) * D, [](real y) { return y == 0; })) return;
    all.push_back({name, {}});
    for (int i = 0; i < longest; ++i) {
      Vector at(x + std::int64_t(i) * D, x + std::int64_t(i + 1) * D);
      if (!std::ranges::all_of(at, [](double y) { return std::isfinite(y); })) break;
      all.back().points.push_back(std::move(at));
    }
  };
  add("input", encoding.embed(zeros, tokens, placed));
  for (int l = 0; l < model.dims().layers; ++l)
    add("layer " + std::to_string(l + 1), encoding.layer_input(zeros, l, placed));
  return all;
}

}  // namespace

Chart biases(Transformer& model, int longest, const Style& style) {
  Composition& encoding = model.encoding();
  Chart chart{.name = "bias",
              .title = "bias by distance",
              .caption =
                  "Added to the attention logit in the first layer that has a bias, relative to "
                  "distance 0. Beyond the dashed line no distance was seen in training.",
              .left = "bias",
              .below = "distance i − j in tokens",
              .x = Chart::Axis::logarithmic,
              .mark = double(model.dims().trained)};
  const int layer = layer_of_bias(encoding);
  if (layer < 0 || longest < 2) return chart;
  const Placed placed(encoding, {.tokens = longest, .longest = longest});
  encoding.begin(placed);
  ScoreTerms scores;
  const Mask mask = encoding.mask_in(layer);
  // Forget gates are computed for zero inputs.
  const Var blank{Tensor({1, longest, model.dims().width})};
  encoding.scores(scores, {.layer = layer,
                           .queries = placed,
                           .keys = placed,
                           .mask = mask,
                           .input = blank,
                           .per_keys = encoding.per_keys(blank, layer)});
  const int H = model.dims().heads, last = longest - 1;
  const auto bias = bias_of_row(scores, placed, H, last);
  for (int d = 1; d <= last; d *= 2) chart.x_tics.emplace_back(d, std::to_string(d));
  for (int h = 0; h < H; ++h) {
    Chart::Line line{"head " + std::to_string(h + 1),
                     {.colour = style.colour, .marker = 0, .dashes = h % 5},
                     {}};
    for (int d : distances(last))
      if (mask.sees(h, last, last - d))
        line.points.push_back({double(d), bias[h][last - d] - bias[h][last]});
    chart.lines.push_back(std::move(line));
  }
  return chart;
}

Wavelengths wavelengths(Transformer& model, const Row& row, int longest) {
  Wavelengths found{row, {}};
  for (double w : model.encoding().frequencies(longest))
    if (w > 0) found.tokens.push_back(2 * std::numbers::pi / w);
  return found;
}

Chart frequencies(const std::vector<Wavelengths>& all, int trained, int longest,
                  const Palette& palette) {
  Chart chart{
      .name = "frequencies",
      .title = "rotary wavelengths by dimension pair",
      .caption =
          "As trained, and under each override, at " + std::to_string(longest) +
          " tokens. Pairs with wavelengths above the training length never completed a turn in "
          "training.",
      .left = "tokens per turn",
      .below = "dimension pair, the fastest first",
      .y = Chart::Axis::logarithmic};
  for (const Wavelengths& t : all) {
    if (t.tokens.empty()) continue;
    if (&t != &all.front() && t.tokens == all.front().tokens) continue;
    Chart::Line line{t.row.printed(), palette.of(t.row), {}};
    for (std::size_t m = 0; m < t.tokens.size(); ++m)
      line.points.push_back({double(m), t.tokens[m]});
    chart.lines.push_back(std::move(line));
  }
  if (chart.empty()) return chart;
  const double end = double(chart.lines.front().points.size()) - 1;
  for (int m = 0; m <= end && end < 16; ++m) chart.x_tics.push_back({double(m), std::to_string(m)});
  for (int length : {trained, longest})
    chart.reference_lines.push_back({length == trained ? "training length" : "longest test",
                                     {{0, double(length)}, {end, double(length)}}});
  return chart;
}

Chart trajectory(Transformer& model, int longest, const Style& style) {
  Chart chart{.name = "trajectory",
              .title = "the positions' path, in the plane where it varies most",
              .caption =
                  "Principal components of what is added at each position; grey: beyond the "
                  "training length.",
              .left = "second component",
              .below = "first component",
              .path = true};
  if (!drawn(model.encoding(), Probe::path)) return chart;
  const auto paths = paths_of(model, longest);
  const std::size_t N = std::size_t(model.dims().trained);
  std::vector<Vector> trained;
  for (const auto& [name, points] : paths)
    trained.insert(trained.end(), points.begin(), points.begin() + std::min(N, points.size()));
  if (trained.size() < 2) return chart;
  Vector mean(trained.front().size(), 0.0);
  for (const Vector& p : trained)
    for (std::size_t i = 0; i < p.size(); ++i) mean[i] += p[i] / double(trained.size());
  for (Vector& p : trained)
    for (std::size_t i = 0; i < p.size(); ++i) p[i] -= mean[i];
  const Vector first = principal(trained, {}), second = principal(trained, {first});
  const auto projected = [&](const Vector& p) {
    return Chart::Point{dot(p, first) - dot(mean, first), dot(p, second) - dot(mean, second)};
  };
  // Of the trained part: a path that runs far away would shrink it to a dot.
  double farthest = 0;
  for (const Vector& p : trained) farthest = std::max(farthest, std::sqrt(dot(p, p)));
  for (std::size_t l = 0; l < paths.size(); ++l) {
    const auto& [name, points] = paths[l];
    Chart::Line within{name, {.colour = style.colour, .marker = 0, .dashes = int(l) % 5}, {}};
    Chart::Line beyond{
        name + ", beyond N", {.colour = Style::grey, .marker = 0, .dashes = int(l) % 5}, {}};
    for (std::size_t i = 0; i < points.size(); ++i) {
      const Chart::Point p = projected(points[i]);
      if (i + 1 >= N && std::hypot(p.x, p.y) > 2 * farthest) break;
      if (i < N) within.points.push_back(p);
      if (i + 1 >= N) beyond.points.push_back(p);
    }
    chart.lines.push_back(std::move(within));
    if (beyond.points.size() > 1) chart.lines.push_back(std::move(beyond));
  }
  return chart;
}

Similarity similarity(const Transformer& model) {
  Similarity s;
  const Entry* e = drawn(model.encoding(), Probe::table);
  if (!e) return s;
  const Var table = model.parameters().find("encoding." + e->name + ".table");
  const int R = table.dim(0), D = table.dim(1), count = std::min(R, 32);
  for (int i = 0; i < count; ++i) s.at.push_back(count < 2 ? 0 : i * (R - 1) / (count - 1));
  const auto row = [&](int i) {
    const real* x = table.value().data.get() + std::int64_t(i) * D;
    return Vector(x, x + D);
  };
  for (int i : s.at) {
    s.cosine.emplace_back();
    for (int j : s.at) {
      const Vector a = row(i), b = row(j);
      s.cosine.back().push_back(dot(a, b) / std::sqrt(dot(a, a) * dot(b, b)));
    }
  }
  return s;
}

std::string similarity_svg(const Similarity& s, Svg where) {
  constexpr double size = 300;
  const double side = size / double(s.at.size());
  std::string text;
  for (std::size_t i = 0; i < s.at.size(); ++i)
    for (std::size_t j = 0; j < s.at.size(); ++j) {
      const double x = s.cosine[i][j];
      text += fmt::format(
          "<rect class=\"{}\" fill=\"currentColor\" fill-opacity=\"{:.2f}\" x=\"{}\" y=\"{}\" "
          "width=\"{}\" height=\"{}\"><title>{}, {}: {:.2f}</title></rect>\n",
          x < 0 ? "c1" : "c0", std::min(1.0, std::abs(x)), place(double(j) * side),
          place(double(i) * side), place(side), place(side), s.at[i], s.at[j], x);
    }
  return svg_of("cosine similarity of positions", size, size, text, where);
}

}  // namespace yonder
