#pragma once
#include <string>
#include <vector>

#include "train/report/chart.h"
#include "train/results/study.h"

/// \file
/// The charts of a study.
namespace yonder {

/// The palette of a study, from the rows of all panels in order.
Palette palette_of(const Study&);

/// One measure over evaluation length, on a logarithmic axis: a line for each of `rows`, its seeds
/// as dots or a band, the training length as a vertical line, chance or the unigram baseline thin
/// and grey.
Chart over_length(const Results&, const Measure&, const std::vector<Row>& rows, const Palette&);
/// The first measure over evaluation length, in as many charts as it takes to be readable: all rows
/// in one; or rows without overrides in the first, then one chart per encoding with overrides.
/// Windowed models are thin grey lines in the first.
std::vector<Chart> headline(const Results&, const Palette&);
/// Loss by position at the longest length, median over seeds; without lines if there are no curves.
Chart over_positions(const Results&, const std::vector<Row>& rows, const Palette&);
/// Effective keys over evaluation length, median over all heads and seeds, both axes logarithmic;
/// without lines if no model was observed.
Chart keys_over_length(const Results&, const std::vector<Row>& rows, const Palette&);
/// Share of attention by distance at the longest length, in bins that double in width: for each row
/// the median over its heads and seeds.
Chart over_distances(const Results&, const std::vector<Row>& rows, const Palette&);
/// The same for each head of one row, for its first seed.
Chart over_distances_by_head(const Results&, const Row&);

/// Training loss over steps of one task and variant, median over seeds.
Chart over_training(const Study&, const std::string& task, const std::string& variant,
                    const Palette&);

/// A measure at one length over training steps, median over seeds, for rows without overrides;
/// without lines if only final models were evaluated.
Chart over_steps(const Results&, const Measure&, int length, const Palette&);

}  // namespace yonder
