#include "core/options.h"

#include <cmath>

#include "core/error.h"
#include "tests/support/catch.h"

using namespace yonder;
using Catch::Matchers::Equals;

namespace {

struct Fields {
  int heads = 4;
  double base = 10000;
  double ratio = 0.5;
  bool causal = true;
  std::string scaling = "direct";
  std::string path;

  Options options() {
    return {Option{"heads", &heads, "parts of the width"}.at_least(1),
            Option{"base", &base, "longest wavelength"}.at_least(0),
            Option{"ratio", &ratio, "share"}.between(0, 1).at_inference(),
            Option{"causal", &causal, "sees no later token"},
            Option{"scaling", &scaling, "beyond the trained length"}.one_of(
                {"direct", "linear", "ntk"}),
            Option{"path", &path, "a file"}};
  }

  void set(const std::string& name, const std::string& text) {
    Options all = options();
    assign(*find(all, name), "rope", text);
  }

  // Returns the message that refuses `text`; "" if it is accepted.
  std::string refusal(const std::string& name, const std::string& text) {
    return why_refused([&] { set(name, text); }).value_or("");
  }
};

}  // namespace

TEST_CASE("an option is read into the field that it points to") {
  Fields f;
  f.set("heads", "8");
  f.set("base", "5e5");
  f.set("ratio", "0.25");
  f.set("causal", "false");
  f.set("scaling", "ntk");
  f.set("path", "any text, even true");
  CHECK(f.heads == 8);
  CHECK(f.base == 500000);
  CHECK(f.ratio == 0.25);
  CHECK(f.causal == false);
  CHECK(f.scaling == "ntk");
  CHECK(f.path == "any text, even true");
  CHECK_FALSE(find(f.options(), "head"));
}

TEST_CASE("a typed value is accepted only by an option of its type") {
  Fields f;
  Options all = f.options();
  const auto give = [&all](const std::string& name, const Value& value) {
    assign(*find(all, name), "rope", value);
  };
  give("heads", 8), give("base", 500), give("ratio", 0.25), give("causal", false);
  CHECK(f.heads == 8);
  CHECK(f.base == 500);
  CHECK(value_of(*find(all, "base")) == Value(500));
  CHECK(value_of(*find(all, "ratio")) == Value(0.25));
  give("heads", 2.0), give("base", std::numeric_limits<std::int64_t>::max());
  CHECK(f.heads == 2);
  CHECK(f.base == 0x1p63);
  for (const Value& wrong : {Value(2.5), Value(std::int64_t(1) << 40), Value(1e300), Value(true)})
    CHECK_THROWS_AS(give("heads", wrong), UsageError);
  CHECK_THROWS_AS(give("causal", 1), UsageError);
  CHECK(typed(*find(all, "base"), "5e5") == Value(500000));
  CHECK(typed(*find(all, "base"), "x") == Value("x"));
  CHECK(typed(*find(all, "path"), 7) == Value("7"));
}

TEST_CASE("an invalid value is refused in one sentence, and the field keeps its value") {
  Fields f;
  CHECK_THAT(f.refusal("heads", "0"),
             Equals("rope.heads: '0' is not allowed; it takes a whole number of at least 1"));
  CHECK_THAT(f.refusal("ratio", "1"),
             Equals("rope.ratio: '1' is not allowed; it takes a number above 0 and below 1"));
  CHECK_THAT(f.refusal("causal", "yes"),
             Equals("rope.causal: 'yes' is not allowed; it takes true or false"));
  CHECK_THAT(f.refusal("scaling", "nkt"), Equals("rope.scaling: 'nkt' is not allowed; it takes "
                                                 "direct, linear or ntk; did you mean 'ntk'?"));
  CHECK(f.heads == 4);
  CHECK(f.ratio == 0.5);
  CHECK(f.causal == true);
  CHECK(f.scaling == "direct");
}

TEST_CASE("a number must be valid to its last character") {
  for (const std::string text :
       {"", "8x", "8 ", " 8", "8.5", "0x8", "99999999999", "+-1", "eight"}) {
    INFO("'" << text << "'");
    CHECK(Fields().refusal("heads", text) != "");
  }
  for (const std::string text : {"", "1e", "1,5", "nan", "inf", "1e999", "-1", "1.5.2"}) {
    INFO("'" << text << "'");
    CHECK(Fields().refusal("base", text) != "");
  }
  CHECK(Fields().refusal("base", "0") == "");  // at_least includes its limit
}

TEST_CASE("a value's text is the shortest that reads back to the same value") {
  Fields f;
  Options all = f.options();
  CHECK(text_of(*find(all, "heads")) == "4");
  CHECK(text_of(*find(all, "base")) == "10000");
  CHECK(text_of(*find(all, "causal")) == "true");
  CHECK(text_of(*find(all, "scaling")) == "direct");
  for (const double x : {0.1, 1.0 / 3, 1e-7, 123456.789, 0.3, 0.1 + 0.2, 5e-324}) {
    f.base = x;
    const std::string text = text_of(*find(all, "base"));
    f.base = 0;
    f.set("base", text);
    CHECK(f.base == x);
  }
  f.base = 0.1;
  CHECK(text_of(*find(all, "base")) == "0.1");
}

TEST_CASE("the values that an option accepts are described in words") {
  int i = 0;
  double d = 0;
  CHECK(allowed(Option{"", &i, ""}) == "a whole number");
  CHECK(allowed(Option{"", &d, ""}.within(1, 2)) == "a number from 1 to 2");
  CHECK(allowed(Option{"", &d, ""}.between(0, INFINITY)) == "a number above 0");
  CHECK(allowed(Option{"", &d, ""}.within(-INFINITY, 0.5)) == "a number of at most 0.5");
  std::string s;
  CHECK(allowed(Option{"", &s, ""}) == "any text");
  CHECK(allowed(Option{"", &s, ""}.one_of({"a", "b"})) == "a or b");
}

TEST_CASE("a misspelled name gets a suggestion, an unrelated one does not") {
  const std::vector<std::string> names{"alibi", "kerple", "learned", "rope", "t5"};
  CHECK(nearest("rop", names) == "rope");
  CHECK(nearest("rpoe", names) == "rope");
  CHECK(nearest("learnt", names) == "learned");
  CHECK(nearest("kerpel", names) == "kerple");
  CHECK(nearest("transformer", names) == "");
  CHECK(did_you_mean("alibbi", names) == "; did you mean 'alibi'?");
  CHECK(did_you_mean("xxxxxxx", names) == "");
}
