// yonder logits, whose output other programs compare with.

#include "core/io/npy.h"
#include "core/io/safetensors.h"
#include "tests/support/catch.h"
#include "tests/support/refused.h"

using namespace yonder;
namespace fs = std::filesystem;

namespace {

// A model trained for three steps, which no test modifies.
const std::string& logits_checkpoint() {
  static const Folder folder;
  static const std::string path = folder / "run/checkpoints/step-3.safetensors";
  static const Ran ran = yonder_run(
      "train --task copy --train-length 4 --width 16 --heads 2 --layers 1 --batch 4 --encoding "
      "rope "
      "--steps 3 --quiet --out " +
      (folder / "run"));
  REQUIRE(ran.err == "");
  REQUIRE(ran.code == 0);
  return path;
}

// An npy file of int32.
void put_npy(const std::string& path, int rows, int columns, const std::vector<int>& values) {
  std::string header = "{'descr': '<i4', 'fortran_order': False, 'shape': (" +
                       std::to_string(rows) + ", " + std::to_string(columns) + "), }";
  header.resize((header.size() + 10 + 64) / 64 * 64 - 11, ' ');
  header += '\n';
  std::string content("\x93NUMPY\x01\x00", 8);
  content += char(header.size() & 255);
  content += char(header.size() >> 8);
  content += header;
  content.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(int));
  put(path, content);
}

}  // namespace

TEST_CASE("logits of padding are 0, and every parameter has a gradient") {
  const Folder folder;
  put_npy(folder / "t.npy", 2, 3, {0, 3, 4, 0, 5, -1});
  put_npy(folder / "y.npy", 2, 3, {-1, 4, 1, -1, 1, -1});
  const Ran ran = yonder_run("logits " + logits_checkpoint() + " --tokens " + (folder / "t.npy") +
                             " --out " + (folder / "l.npy") + " --targets " + (folder / "y.npy") +
                             " --grads " + (folder / "g.safetensors"));
  REQUIRE(ran.err == "");
  REQUIRE(ran.code == 0);
  const Safetensors model = read_safetensors(logits_checkpoint());
  const Safetensors gradients = read_safetensors(folder / "g.safetensors");
  REQUIRE(gradients.tensors.size() == model.tensors.size());
  for (std::size_t i = 0; i < model.tensors.size(); ++i) {
    CHECK(gradients.tensors[i].first == model.tensors[i].first);
    CHECK(gradients.tensors[i].second.shape == model.tensors[i].second.shape);
  }
  const std::string logits = content_of(folder / "l.npy");
  const int V = model.tensors[0].second.dim(0);
  REQUIRE(logits.size() == 128 + 4 * std::size_t(2 * 3 * V));
  CHECK(logits.substr(logits.size() - 4 * V) == std::string(4 * V, '\0'));
  CHECK(logits.substr(logits.size() - 8 * V, 4 * V) != std::string(4 * V, '\0'));
}

TEST_CASE("logits of a model that uses digits must be told which tokens are digits") {
  const Folder folder;
  const std::string run = folder / "run";
  REQUIRE(
      yonder_run("train --task passkey --train-length 4 --width 8 --heads 2 --layers 1 --batch 2 "
                 "--encoding abacus --steps 1 --quiet --out " +
                 run)
          .code == 0);
  put_npy(folder / "t.npy", 1, 3, {0, 5, 6});
  put_npy(folder / "none.npy", 1, 3, {-1, -1, -1});
  put_npy(folder / "two.npy", 1, 3, {-1, 1, 0});
  put_npy(folder / "short.npy", 1, 2, {-1, 0});
  const std::string logits = "logits " + run + " --tokens " + (folder / "t.npy") + " --out ";
  refused(logits + (folder / "l.npy"), 2, "abacus uses digits");
  refused(logits + (folder / "l.npy") + " --digits " + (folder / "short.npy"), 3,
          "short.npy: its shape is not that of the tokens");
  for (const std::string digits : {"none", "two"})
    CHECK(
        yonder_run(logits + (folder / digits) + " --digits " + (folder / (digits + ".npy"))).code ==
        0);
  CHECK((content_of(folder / "none") != content_of(folder / "two")));
}

TEST_CASE("invalid tokens are refused, and no file is written") {
  const Folder folder;
  put_npy(folder / "big.npy", 1, 2, {0, 10000});
  put_npy(folder / "middle.npy", 1, 3, {0, -1, 3});
  put_npy(folder / "good.npy", 1, 3, {0, 3, 4});
  const std::string out = " --out " + (folder / "l.npy");
  const std::string logits = "logits " + logits_checkpoint() + " --tokens ";
  refused(logits + (folder / "none.npy") + out, 3, "none.npy");
  refused(logits + (folder / "big.npy") + out, 3, "10000");
  refused(logits + (folder / "middle.npy") + out, 3, "right end");
  refused(logits + logits_checkpoint() + out, 3, "npy");
  refused(logits + (folder / "good.npy") + out + " --positions " + (folder / "good.npy"), 3,
          "axes");
  refused(logits + (folder / "good.npy") + out + " --targets " + (folder / "big.npy") +
              " --grads " + (folder / "g"),
          3, "10000");
  refused(logits + (folder / "good.npy") + out + " --digits " + (folder / "good.npy"), 2,
          "rope does not use digits");
  put_npy(folder / "nothing.npy", 1, 3, {-1, -1, -1});
  refused(logits + (folder / "good.npy") + out + " --targets " + (folder / "nothing.npy") +
              " --grads " + (folder / "g"),
          3, "every target is -1");
  const std::string targets =
      logits + (folder / "good.npy") + " --targets " + (folder / "good.npy");
  refused(targets + out + " --grads " + (folder / "./l.npy"), 2, "name the same file");
  refused(logits + (folder / "good.npy") + out + " --attention " + (folder / "l.npy"), 2,
          "--out and --attention name the same file");
  refused(logits + (folder / "good.npy") + out + " --attention /dev/null/a", 6, "/dev/null");
  fs::create_directory(folder / "mine");
  put(folder / "mine/thesis", "x");
  for (const std::string& flags : std::vector<std::string>{
           " --attention ", " --targets " + (folder / "good.npy") + " --grads "})
    refused(logits + (folder / "good.npy") + out + flags + (folder / "mine"), 6, "mine");
  refused(logits + (folder / "good.npy") + " --out " + (folder / "mine"), 6, "mine");
  CHECK(content_of(folder / "mine/thesis") == "x");
  refused(targets + " --out /dev/null/l.npy --grads " + (folder / "g"), 6, "/dev/null");
  refused(targets + out + " --grads /dev/null/g", 6, "/dev/null");
  CHECK_FALSE(fs::exists(folder / "l.npy"));
  CHECK_FALSE(fs::exists(folder / "g"));
}

TEST_CASE("logits --attention writes where each head looks, for rows with a target or for all") {
  const Folder folder;
  put_npy(folder / "t.npy", 2, 3, {0, 3, 4, 0, 5, -1});
  put_npy(folder / "y.npy", 2, 3, {3, -1, -1, 5, -1, -1});
  const std::string logits = "logits " + logits_checkpoint() + " --tokens " + (folder / "t.npy") +
                             " --out " + (folder / "l.npy") + " --attention " + (folder / "a.csv");
  REQUIRE(yonder_run(logits).code == 0);
  const std::string with_all = content_of(folder / "a.csv"), plain = content_of(folder / "l.npy");
  std::vector<std::string> lines = lines_of(with_all);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] ==
        "layer,head,rows,entropy,keys,distance,within,first,own,top,spent,told,d0,d1,d2");
  CHECK(lines[1].starts_with("0,0,5,"));
  CHECK(lines[2].starts_with("0,1,5,"));
  // A first token sees only itself.
  REQUIRE(
      yonder_run(logits + " --targets " + (folder / "y.npy") + " --grads " + (folder / "g")).code ==
      0);
  CHECK(lines_of(content_of(folder / "a.csv"))[1] == "0,0,2,0,1,0,1,1,1,1,1,,1,0,0");
  CHECK(content_of(folder / "l.npy") == plain);
}
