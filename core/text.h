#pragma once
#include <algorithm>
#include <functional>
#include <string>
#include <vector>

namespace yonder {

/// Concatenates the texts of `all`, separated by `between`.
template <class All, class Text = std::identity>
std::string joined(const All& all, const std::string& between, Text text = {}) {
  std::string whole;
  bool first = true;
  for (const auto& one : all) {
    if (!first) whole += between;
    whole += text(one), first = false;
  }
  return whole;
}

/// Whether `all` contains x.
template <class All, class T>
bool has(const All& all, const T& x) {
  return std::find(all.begin(), all.end(), x) != all.end();
}

/// Appends all of `from`.
template <class T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

/// Concatenates two lists.
template <class T>
std::vector<T> concatenated(std::vector<T> one, const std::vector<T>& other) {
  append(one, other);
  return one;
}

/// Appends x if `all` does not contain it yet.
template <class T>
void add_once(std::vector<T>& all, const T& x) {
  if (!has(all, x)) all.push_back(x);
}

}  // namespace yonder
