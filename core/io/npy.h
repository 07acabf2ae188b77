#pragma once
#include <string>
#include <vector>

namespace yonder {

/// An npy array (format 1.0 to 3.0, C order, little-endian) of int32 or int64 as ints. Values that
/// don't fit an int and empty arrays are rejected.  numpy.lib.format
struct IntArray {
  std::vector<int> shape;   ///< extents of the axes
  std::vector<int> values;  ///< row-major
};
IntArray read_npy_ints(const std::string& path);  ///< throws FileError if rejected
/// The same from a file's content; `path` is for error messages.
IntArray parse_npy_ints(const std::string& content, const std::string& path);
/// Writes float32 in C order.
void write_npy(const std::string& path, const std::vector<int>& shape,
               const std::vector<float>& values);

}  // namespace yonder
