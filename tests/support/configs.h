#pragma once
#include <string>

#include "train/config/toml.h"

namespace yonder {

/// The sweep that a configuration file of this content describes.
inline SweepConfig read_config(const std::string& toml) {
  SweepConfig config;
  apply_config(toml, "a.toml", config);
  return config;
}

}  // namespace yonder
