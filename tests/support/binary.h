#pragma once
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "core/io/files.h"

/// \file
/// The yonder program as its users see it: a command line, an exit code, two streams.
namespace yonder {

using Folder = TemporaryFolder;

inline std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

inline void put(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

struct Ran {
  int code = -1;
  std::string out, err;
};

/// Runs `yonder` with these arguments in a shell. `before` precedes it: variables, or another
/// program that runs it.
inline Ran yonder_run(const std::string& arguments, const std::string& before = "") {
  const Folder folder;
  const std::string command = before + " " YONDER_BINARY " " + arguments + " >" + (folder / "out") +
                              " 2>" + (folder / "err") + " </dev/null";
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, content_of(folder / "out"),
          content_of(folder / "err")};
}

/// The lines of a text, without newlines.
inline std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace yonder
