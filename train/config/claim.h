#pragma once
#include <string>
#include <vector>

namespace yonder {

/// What a publication found, as a preset states it: rows from best to worst.
struct Claim {
  std::string text;                  ///< in words, with its numbers
  std::string source;                ///< paper and table
  std::vector<std::string> order;    ///< of rows as parse_rows reads them, the best first
  int length = 0;                    ///< at which; 0: the longest
  std::string test, protocol, task;  ///< of the panel; "": the first
};

}  // namespace yonder
