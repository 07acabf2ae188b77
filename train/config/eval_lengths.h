#pragma once
#include <map>
#include <string>
#include <vector>

namespace yonder {

/// Bins among evaluation lengths, "26-50": the shortest length of each by its longest, which stands
/// for the bin wherever one number is asked for.
using LengthBins = std::map<int, int>;

/// Appends a length, "75", or a bin. UsageError, naming `option`, for what is neither, lies below 1
/// or ends before it begins, and for a bin that shares a length with what is there.
void add_eval_length(const std::string& option, const std::string& text, std::vector<int>& lengths,
                     LengthBins&);

/// The shortest length of the bin that ends at `length`; 0, where none does.
int least_of_bin(int length, const LengthBins&);
/// The same; `length` itself, where none does.
int shortest(int length, const LengthBins&);

/// "26-50", or "75" where both ends are.
std::string text_of_range(int least, int most);
/// The same of the bin that ends at `length`, or of `length` itself.
std::string text_of(int length, const LengthBins&);

}  // namespace yonder
