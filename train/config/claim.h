#pragma once
#include <string>
#include <vector>

#include "core/options.h"

namespace yonder {

/// What a publication found, as a preset states it: rows from best to worst.
struct Claim {
  std::string text;                  ///< in words, with its numbers
  std::string source;                ///< paper and table
  std::vector<std::string> order;    ///< of rows as parse_rows reads them, the best first
  int length = 0;                    ///< at which; 0: the longest
  std::string test, protocol, task;  ///< of the panel; "": the first

  /// Every field but `order`: what files hold of a claim is read and written by this table.
  Options fields() {
    return {Option{"text", &text, ""},
            Option{"source", &source, ""},
            Option{"length", &length, ""}.within(0, 1 << 24),
            Option{"test", &test, ""},
            Option{"protocol", &protocol, ""}.choice_formerly("same-targets", "fixed-targets"),
            Option{"task", &task, ""}};
  }
};

}  // namespace yonder
