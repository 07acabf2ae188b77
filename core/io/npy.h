#pragma once
#include <string>
#include <vector>

namespace yonder {

/// An npy array (format 1.0 to 3.0, C order, little-endian) of int32 or int64 as ints. Values that
/// no int holds and arrays of no element are refused.  numpy.lib.format
struct IntArray {
  std::vector<int> shape;   ///< extents of the axes
  std::vector<int> values;  ///< row-major
};
IntArray read_npy_ints(const std::string& path);  ///< FileError if it is refused
/// The same from a file's content; `path` is for its error messages.
IntArray parse_npy_ints(const std::string& content, const std::string& path);
/// float32, C order.
void write_npy(const std::string& path, const std::vector<int>& shape,
               const std::vector<float>& values);

}  // namespace yonder
