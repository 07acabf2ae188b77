#pragma once
#include <string>
#include <vector>

#include "train/report/chart.h"
#include "train/results/across_tasks.h"
#include "train/results/study.h"

/// \file
/// The pictures of a study, as charts.
namespace yonder {

/// Every row of every panel, in order: what a study's pictures take their colours by.
Palette palette_of(const Study&);

/// One measure over test length, on a logarithmic axis: a line for each of `rows`, seeds as dots,
/// the training length as a vertical line, chance and the unigram model as thin grey ones.
Chart over_length(const Results&, const Measure&, const std::vector<Row>& rows, const Palette&);
/// The first measure over test length, in as many charts as keep it readable: all rows in one, or
/// those without extension in the first and a chart for each encoding that has some. The windowed
/// models are thin grey lines of the first.
std::vector<Chart> headline(const Results&, const Palette&);
/// Loss by position at the longest length, median of the seeds; without lines where there are no
/// curves.
Chart over_positions(const Results&, const std::vector<Row>& rows, const Palette&);
/// Effective keys over evaluation length, median of all heads of all seeds, both axes logarithmic;
/// without lines where no model was observed.
Chart keys_over_length(const Results&, const std::vector<Row>& rows, const Palette&);
/// The share of attention by distance at the longest length, each bin twice as wide as the last:
/// the median head of each row.
Chart over_distances(const Results&, const std::vector<Row>& rows, const Palette&);
/// The same of each head of one row, of its first seed.
Chart over_distances_by_head(const Results&, const Row&);

/// The performance profile: the share of runs whose score is above τ, over τ, of the rows with the
/// best interquartile means, as many as one chart has room for. Agarwal et al. 2021, sec. 4.2.
Chart performance_profile(const AtMultiple&, const Palette&);

/// Loss of the batches over training, median of the seeds; of one task and variant.
Chart over_training(const Study&, const std::string& task, const std::string& variant,
                    const Palette&);

/// A measure at one length over the steps of training, median of the seeds, of rows without
/// extension; without lines where only its end was tested.
Chart over_steps(const Results&, const Measure&, int length, const Palette&);

}  // namespace yonder
