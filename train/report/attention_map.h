#pragma once
#include "train/report/chart.h"
#include "train/results/panel.h"

/// \file
/// Maps of attention as pictures.
namespace yonder {

/// The maps of a model's heads, a line of squares for each layer: queries from top to bottom, keys
/// from left to right, the more opaque the more attention. `trained` are the tokens of N, where a
/// dashed diagonal is drawn; 0: none.
std::string attention_map_svg(const AttentionScore&, int trained, Svg);

}  // namespace yonder
