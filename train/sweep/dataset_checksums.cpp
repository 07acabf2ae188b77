#include "train/sweep/dataset_checksums.h"

#include <numeric>
#include <set>

#include "core/error.h"
#include "core/io/files.h"
#include "train/training/session.h"

namespace yonder {

std::string texts_of(const Experiment& experiment) {
  std::set<std::string> lines;
  for (const Variant& v : experiment.plan.variants) {
    const auto task = prepare_task(
        Cell(experiment, v, experiment.plan.rows.front().encoding, 0, 0).run, experiment.inputs);
    const std::string sum = task->checksum();
    for (const Option& o : task->options())
      if (!sum.empty() && o.name == "path")
        lines.insert(sum + " " + v.base.task + ".path = " + text_of(o) + "\n");
  }
  return std::accumulate(lines.begin(), lines.end(), std::string());
}

void require_same_texts(const std::string& now, const std::string& path) {
  for (const std::string& line : split(read_file(path), '\n'))
    if (now.find(line.substr(0, line.find(" = "))) == std::string::npos)  // it may have moved
      throw UsageError(path + ": " + line.substr(line.find(' ') + 1) +
                       " is not the text that the sweep began with; put that one back, or replace "
                       "the sweep with --force");
}

}  // namespace yonder
