#include <cstdio>
#include <exception>
#include <new>

#include "core/error.h"
#include "core/options.h"
#include "core/parallel.h"
#include "train/signals.h"
#include "train/verbs.h"

namespace yonder {
namespace {

struct Verb {
  const char* name;
  const char* summary;
  int (*run)(const Arguments&);
};

const Verb verbs[] = {
    {"train", "trains one model and keeps it in a folder", train_verb},
    {"eval", "tests a trained model at lengths that it may never have seen", eval_verb},
    {"logits", "writes a model's logits and gradients, for comparison", logits_verb},
    {"ablate", "trains encodings short, tests them long, and compares", ablate_verb},
    {"report", "writes the page or the tables of a comparison, or joins several", report_verb},
    {"data", "shows what a task asks, by samples", data_verb},
    {"bench", "how fast training, long tests and matrix products are here", bench_verb},
    {"list", "encodings or tasks, one line each", list_verb},
    {"show", "what an encoding is, or what a run is and where it stands", show_verb},
    {"completion", "prints a script that completes words in bash, zsh or fish", completion_verb},
};

void print_help(std::FILE* where) {
  std::fputs(
      "yonder: which position encoding survives beyond the length it was trained on?\n\n"
      "Examples\n"
      "  yonder train --task copy --encoding rope --length 16 --steps 1000 --out runs/copy\n"
      "  yonder eval runs/copy --lengths 16,32,64\n"
      "  yonder eval runs/copy --lengths 16,32,64 --rope.scaling ntk --rope.factor 4\n\n"
      "Verbs\n",
      where);
  for (const Verb& v : verbs) std::fprintf(where, "  %-12s%s\n", v.name, v.summary);
  std::fputs("\nyonder VERB --help has all flags of a verb; yonder --version its version.\n",
             where);
}

int dispatch(const Arguments& arguments) {
  if (arguments.empty()) return print_help(stderr), usage;
  const std::string& name = arguments[0];
  if (name == "--help" || name == "-h") return print_help(stdout), fine;
  if (name == "--version") return std::puts("yonder " YONDER_VERSION), fine;
  std::vector<std::string> names{"--help", "--version"};
  for (const Verb& v : verbs) {
    if (name == v.name) return v.run({arguments.begin() + 1, arguments.end()});
    names.push_back(v.name);
  }
  const std::string hint = did_you_mean(name, names);
  throw UsageError("there is no verb '" + name + "'" +
                   (hint.empty() ? "; see yonder --help" : hint));
}

int fail(int code, const char* sentence) {
  std::fprintf(stderr, "yonder: %s\n", sentence);
  return code;
}

}  // namespace
}  // namespace yonder

int main(int count, char** words) {
  using namespace yonder;
  restart_with_short_waits(words);
  try {
    const int code = dispatch({words + 1, words + count});
    if (std::fflush(stdout) != 0) throw DiskError("the output can't be written; is the disk full?");
    return code;
  } catch (const UsageError& e) { return fail(usage, e.what()); } catch (const FileError& e) {
    return fail(bad_file, e.what());
  } catch (const Interrupted& e) {
    return fail(exit_code(e.signal), e.what());
  } catch (const DivergedError& e) { return fail(diverged, e.what()); } catch (const DiskError& e) {
    return fail(disk, e.what());
  } catch (const std::bad_alloc&) {
    return fail(failed, "the memory does not suffice; try a smaller batch, length or width");
  } catch (const std::exception& e) { return fail(failed, e.what()); }
}
