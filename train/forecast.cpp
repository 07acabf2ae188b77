#include <algorithm>
#include <cstdio>

#include "core/parallel.h"
#include "train/config_file.h"
#include "train/costs.h"
#include "train/progress.h"
#include "train/sweep.h"

namespace yonder {

std::string forecast(const SweepConfig& config) {
  const Plan plan = plan_of(config);
  const int threads = config.base.threads ? config.base.threads : yonder::threads();
  set_threads(1);
  for (const Variant& v : plan.variants) check(config, plan, v);
  std::string text = to_toml(config) + "\n# cells, each one thread:\n";
  char line[200];
  double seconds = 0, bytes = 0;
  int cells = 0;
  const int rates = std::max(1, int(plan.rates.size()));
  for (const Variant& v : plan.variants) {
    std::vector<std::string> seen;
    for (const Row& row : plan.rows) {
      if (std::find(seen.begin(), seen.end(), row.encoding) != seen.end()) continue;
      seen.push_back(row.encoding);
      const Cell cell{&v, row.encoding, v.base.lr, v.base.seed};
      const Cost cost = measured(config, plan, cell);
      const double training = cost.training(cell), test = cost.testing(config);
      const int count = config.seeds + rates - 1;  // the trial of the chosen rate is a cell
      std::snprintf(
          line, sizeof line,
          "#   %-32s %d x %s, of it testing %s; parameters: %lld content, %lld position\n",
          (row.encoding + "-" + v.base.task + v.slug).c_str(), count,
          duration(training + test).c_str(), duration(test).c_str(),
          static_cast<long long>(cost.parameters - cost.position_parameters),
          static_cast<long long>(cost.position_parameters));
      text += line;
      seconds += training * count + test * config.seeds;
      bytes = std::max(bytes, cost.bytes);
      cells += count;
    }
  }
  const int at_once = std::min(threads, cells);
  std::snprintf(line, sizeof line,
                "# %d cells, %d at once: about %s here, and about %.0f MB of memory at most\n",
                cells, at_once, duration(seconds / at_once).c_str(), at_once * (bytes / 1e6 + 25));
  return text + line;
}

}  // namespace yonder
