#pragma once
#include <map>
#include <string>
#include <vector>

namespace yonder {

/// Bins of evaluation lengths such as "26-50": maps the longest length of each, which represents
/// the bin wherever a single length is needed, to the shortest.
using LengthBins = std::map<int, int>;

/// Appends a length, "75", or a bin. Throws UsageError, naming `option`, if `text` is neither, is
/// out of range or ends before it begins, or if a bin would overlap another entry.
void add_eval_length(const std::string& option, const std::string& text, std::vector<int>& lengths,
                     LengthBins&);

/// The shortest length of the bin that ends at `length`; 0 if there is none.
int least_of_bin(int length, const LengthBins&);
/// The same, but `length` itself if there is none.
int shortest(int length, const LengthBins&);

/// "26-50", or "75" if both ends are 75.
std::string text_of_range(int least, int most);
/// The same for the bin that ends at `length`, or for `length` itself.
std::string text_of(int length, const LengthBins&);

}  // namespace yonder
