#pragma once
#include <map>
#include <string>
#include <vector>

#include "core/options.h"

namespace yonder {

/// A published finding as a preset states it: rows from best to worst.
struct Claim {
  std::string text;                          ///< in words, with its numbers
  std::string source;                        ///< paper and table
  std::vector<std::string> order;            ///< rows as parse_rows reads them, best first
  int length = 0;                            ///< evaluation length; 0: the longest
  std::string test, protocol, task, config;  ///< of the panel; "": any, the first match
  std::string measure;  ///< "loss", "token_accuracy", …; "": the panel's first
  /// "steps": each row against the next; "trend": the order as a whole, by Page's test.
  std::string judged_by = "steps";

  /// The row lists by key.
  std::map<std::string, std::vector<std::string>*> lists() { return {{"order", &order}}; }
  /// Every other field; files of claims are read and written by this table.
  Options fields() {
    return {Option{"text", &text, ""},
            Option{"source", &source, ""},
            Option{"length", &length, ""}.within(0, 1 << 24),
            Option{"test", &test, ""},
            Option{"protocol", &protocol, ""}.choice_formerly("same-targets", "fixed-targets"),
            Option{"task", &task, ""},
            Option{"config", &config, ""},
            Option{"measure", &measure, ""}.one_of({"", "loss", "token_accuracy", "exact_match"}),
            Option{"judged_by", &judged_by, ""}.one_of({"steps", "trend"})};
  }
};

/// Which rows of a panel generalise to longer lengths in theory, and which fail to.
struct Prediction {
  std::string source, task, config;           ///< as in Claim
  std::vector<std::string> generalise, fail;  ///< rows as parse_rows reads them

  /// The row lists by key.
  std::map<std::string, std::vector<std::string>*> lists() {
    return {{"generalise", &generalise}, {"fail", &fail}};
  }
  /// Every other field.
  Options fields() {
    return {Option{"source", &source, ""}, Option{"task", &task, ""},
            Option{"config", &config, ""}};
  }
};

}  // namespace yonder
