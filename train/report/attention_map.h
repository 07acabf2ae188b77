#pragma once
#include "train/report/chart.h"
#include "train/results/panel.h"

/// \file
/// Attention maps as SVG.
namespace yonder {

/// Attention maps of a model's heads, one row of squares per layer: queries from top to bottom,
/// keys from left to right; the more opaque, the more attention. A dashed diagonal marks the
/// distance `trained`, the training length in tokens; 0: no diagonal.
std::string attention_map_svg(const AttentionScore&, int trained, Svg);

}  // namespace yonder
