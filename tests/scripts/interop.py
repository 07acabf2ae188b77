"""tests/scripts/interop.py EXPORTED tokens.npy expected.npy NAME: reads what `yonder export` wrote
(a folder for transformers or a GGUF file) with numpy and without yonder's code, computes the logits
of tokens [B, T] as its architecture defines them, and fails if they are not the expected ones. If
PyTorch is installed, modeling_yonder.py runs too."""
import ast
import builtins
import importlib.util
import json
import math
import os
import struct
import sys

import numpy as np

import interop_yonder
from interop_yonder import gelu, norm, softmax


def read_folder(path):
    data = open(path + "/model.safetensors", "rb").read()
    begin = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:begin])
    assert header.pop("__metadata__") == {"format": "pt"}
    weights = {}
    for name, t in header.items():
        first, last = t["data_offsets"]
        weights[name] = np.frombuffer(data[begin + first:begin + last], "<f4").reshape(t["shape"])
    return json.load(open(path + "/config.json")), weights


def read_gguf(path):
    data, at = open(path, "rb").read(), 4
    assert data[:4] == b"GGUF"

    def take(form):
        nonlocal at
        values = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize("<" + form)
        return values[0] if len(values) == 1 else values

    def string():
        nonlocal at
        n = take("Q")
        at += n
        return data[at - n:at].decode()

    def value(kind):
        if kind == 8:
            return string()
        if kind == 9:
            inner, n = take("IQ")
            return [value(inner) for _ in range(n)]
        return take({4: "I", 5: "i", 6: "f", 7: "?"}[kind])

    version, tensors, pairs = take("IQQ")
    assert version == 3
    said = {string(): value(take("I")) for _ in range(pairs)}
    infos = []
    for _ in range(tensors):
        name, axes = string(), take("I")
        shape = [take("Q") for _ in range(axes)][::-1]
        kind, offset = take("IQ")
        assert kind == 0 and offset % said["general.alignment"] == 0
        infos.append((name, shape, offset))
    begin = -(-at // said["general.alignment"]) * said["general.alignment"]
    return said, {name: np.frombuffer(data, "<f4", math.prod(shape), begin + offset).reshape(shape)
                  for name, shape, offset in infos}


def frequencies(config, T):
    """Returns the frequencies of transformers' modeling_rope_utils.py, and cos and sin's factor."""
    d = int(config["hidden_size"] // config["num_attention_heads"] * config["rotary_pct"])
    base, s = config["rotary_emb_base"], config["rope_scaling"] or {"rope_type": "default"}
    kind, k, longest = s["rope_type"], s.get("factor"), config["max_position_embeddings"]
    exponent = np.arange(0, d, 2) / d
    if kind == "dynamic":
        length = max(T, longest)
        base *= (k * length / longest - (k - 1)) ** (d / (d - 2))
    w = base ** -exponent
    if kind == "linear":
        w = w / k
    if kind == "llama3":
        N = s["original_max_position_embeddings"]
        low, high = s["low_freq_factor"], s["high_freq_factor"]
        smooth = np.clip((N * w / (2 * np.pi) - low) / (high - low), 0, 1)
        w = (1 - smooth) * w / k + smooth * w
    if kind == "yarn":
        N = s["original_max_position_embeddings"]
        pair = [d * math.log(N / (turns * 2 * math.pi)) / (2 * math.log(base))
                for turns in (s["beta_fast"], s["beta_slow"])]
        low, high = max(math.floor(pair[0]), 0), min(math.ceil(pair[1]), d - 1)
        ramp = np.clip((np.arange(d // 2) - low) / max(high - low, 0.001), 0, 1)
        return w / k * ramp + w * (1 - ramp), 0.1 * math.log(k) + 1
    return w, 1


def turned(x, w, factor):  # [T, H, d]: rotates the pairs (m, m + d'/2)
    n = len(w)
    angle = np.arange(x.shape[0])[:, None, None] * w
    z = (x[..., :n] + 1j * x[..., n:2 * n]) * np.exp(1j * angle) * factor
    return np.concatenate([z.real, z.imag, x[..., 2 * n:]], -1)


def attention(q, k, v, bias=0):
    T, H, d = q.shape
    s = np.einsum("ihc,jhc->hij", q, k) / np.sqrt(d) + bias
    s = np.where(np.tri(T, dtype=bool), s, -np.inf)
    return np.einsum("hij,jhc->ihc", softmax(s), v).reshape(T, H * d)


def neox(config, w, tokens):
    T, H = len(tokens), config["num_attention_heads"]
    assert not config["use_parallel_residual"] and config["hidden_act"] == "gelu_new"
    f, factor = frequencies(config, T)
    x = w["gpt_neox.embed_in.weight"][tokens].astype(float)
    for layer in range(config["num_hidden_layers"]):
        at = f"gpt_neox.layers.{layer}."
        qkv = norm(x, w, at + "input_layernorm") @ w[at + "attention.query_key_value.weight"].T
        q, k, v = np.split(qkv.reshape(T, H, -1), 3, -1)
        z = attention(turned(q, f, factor), turned(k, f, factor), v)
        x = x + z @ w[at + "attention.dense.weight"].T
        h = norm(x, w, at + "post_attention_layernorm") @ w[at + "mlp.dense_h_to_4h.weight"].T
        h = gelu(h + w[at + "mlp.dense_h_to_4h.bias"])
        x = x + h @ w[at + "mlp.dense_4h_to_h.weight"].T + w[at + "mlp.dense_4h_to_h.bias"]
    return norm(x, w, "gpt_neox.final_layer_norm") @ w["embed_out.weight"].T


def llama(config, w, tokens):
    T, H, K = len(tokens), config["num_attention_heads"], config["num_key_value_heads"]
    assert config["hidden_act"] == "silu" and not config["attention_bias"] and not config["mlp_bias"]
    f, factor = frequencies({**config, "rotary_pct": 1, "rotary_emb_base": config["rope_theta"]}, T)

    def rms(y, name):
        return y / np.sqrt((y * y).mean(-1, keepdims=True) + config["rms_norm_eps"]) * w[name + ".weight"]

    x = w["model.embed_tokens.weight"][tokens].astype(float)
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        n = rms(x, at + "input_layernorm")
        q, k, v = ((n @ w[at + f"self_attn.{p}_proj.weight"].T).reshape(T, -1, config["head_dim"])
                   for p in "qkv")
        k, v = np.repeat(turned(k, f, factor), H // K, 1), np.repeat(v, H // K, 1)
        x = x + attention(turned(q, f, factor), k, v) @ w[at + "self_attn.o_proj.weight"].T
        n = rms(x, at + "post_attention_layernorm")
        gate = n @ w[at + "mlp.gate_proj.weight"].T
        h = gate / (1 + np.exp(-gate)) * (n @ w[at + "mlp.up_proj.weight"].T)
        x = x + h @ w[at + "mlp.down_proj.weight"].T
    return rms(x, "model.norm") @ w["lm_head.weight"].T


def gpt2(config, w, tokens):
    T, H = len(tokens), config["n_head"]
    assert T <= config["n_positions"] and config["activation_function"] == "gelu_new"
    x = w["transformer.wte.weight"][tokens].astype(float) + w["transformer.wpe.weight"][:T]

    def conv1d(y, name):
        return y @ w[name + ".weight"] + w[name + ".bias"]

    for layer in range(config["n_layer"]):
        at = f"transformer.h.{layer}."
        qkv = np.split(conv1d(norm(x, w, at + "ln_1"), at + "attn.c_attn"), 3, -1)
        x = x + conv1d(attention(*(y.reshape(T, H, -1) for y in qkv)), at + "attn.c_proj")
        h = conv1d(norm(x, w, at + "ln_2"), at + "mlp.c_fc")
        x = x + conv1d(gelu(h), at + "mlp.c_proj")
    return norm(x, w, "transformer.ln_f") @ w["lm_head.weight"].T


def gguf(said, w, tokens):
    kind, T = said["general.architecture"], len(tokens)
    H, D = said[kind + ".attention.head_count"], said[kind + ".embedding_length"]
    x, bias = w["token_embd.weight"][tokens].astype(float), np.zeros((1, T, T))

    def linear(y, name):
        if kind == "mpt":
            assert name + ".bias" not in w
            return y @ w[name + ".weight"].T
        return y @ w[name + ".weight"].T + w[name + ".bias"]

    if kind == "gpt2":
        x = x + w["position_embd.weight"][:T]
    if kind == "mpt":  # ggml's slopes
        n = 2 ** int(math.log2(H))
        m0, m1 = 2 ** (-said["mpt.attention.max_alibi_bias"] / n), 2 ** (
            -said["mpt.attention.max_alibi_bias"] / 2 / n)
        slopes = [m0 ** (h + 1) if h < n else m1 ** (2 * (h - n) + 1) for h in range(H)]
        bias = -np.array(slopes)[:, None, None] * np.subtract.outer(np.arange(T), np.arange(T))
    if kind == "gptneox":
        s = {"factor": said.get("gptneox.rope.scaling.factor"),
             "rope_type": said.get("gptneox.rope.scaling.type", "default"), "beta_fast": 32,
             "beta_slow": 1, "original_max_position_embeddings":
             said.get("gptneox.rope.scaling.original_context_length")}
        f, factor = frequencies(
            {"hidden_size": D, "num_attention_heads": H, "rope_scaling": s, "rotary_pct":
             (said["gptneox.rope.dimension_count"] + 0.5) * H / D,
             "rotary_emb_base": said["gptneox.rope.freq_base"], "max_position_embeddings":
             said["gptneox.context_length"]}, T)
    for layer in range(said[kind + ".block_count"]):
        at = f"blk.{layer}."
        qkv = np.split(linear(norm(x, w, at + "attn_norm"), at + "attn_qkv"), 3, -1)
        q, k, v = (y.reshape(T, H, -1) for y in qkv)
        if kind == "gptneox":
            q, k = turned(q, f, factor), turned(k, f, factor)
        x = x + linear(attention(q, k, v, bias), at + "attn_output")
        h = gelu(linear(norm(x, w, at + "ffn_norm"), at + "ffn_up"))
        x = x + linear(h, at + "ffn_down")
    return norm(x, w, "output_norm") @ w["output.weight"].T


def check_tokenizer(folder):
    said, config = (json.load(open(f"{folder}/{n}.json")) for n in ("tokenizer", "config"))
    vocabulary = said["model"]["vocab"]
    assert sorted(vocabulary.values()) == list(range(config["vocab_size"]))
    assert vocabulary["<bos>"] == config["bos_token_id"]
    if said["model"]["type"] == "BPE":  # GPT-2's characters for bytes
        assert (vocabulary["!"], vocabulary["Ā"], vocabulary["Ġ"], vocabulary["ÿ"]) == (33, 0, 32, 255)


def check_modeling(source):
    """Fails if the file uses a name that it does not define."""
    nodes = list(ast.walk(ast.parse(source)))
    defined = set(dir(builtins)) | {"self"}
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.alias)):
            defined.add(getattr(node, "asname", None) or node.name)
        elif isinstance(node, ast.arg):
            defined.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            defined.add(node.id)
    called = {node.func.attr for node in nodes if isinstance(node, ast.Call)
              and isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) == "self"}
    used = called | {node.id for node in nodes if isinstance(node, ast.Name)}
    missing = used - defined - {"named_parameters", "post_init"}
    assert not missing and "# <" not in source, f"modeling_yonder.py lacks {missing}"


def main(path, tokens, expected, name):
    folder = os.path.isdir(path)
    config, w = (read_folder if folder else read_gguf)(path)
    if folder:
        check_tokenizer(path)
    forward = gguf
    if folder:
        forward = {"gpt_neox": neox, "gpt2": gpt2, "llama": llama,
                   "yonder": interop_yonder.logits}[config["model_type"]]
    found = np.array([forward(config, w, row) for row in np.load(tokens)])
    expected = np.load(expected)
    worst, largest = abs(found - expected).max(), abs(expected).max()
    kind = config["model_type"] if folder else "gguf " + config["general.architecture"]
    print(f"{name} ({kind}): largest difference {worst:.2g} of logits up to {largest:.2g}")
    if kind == "yonder":
        check_modeling(open(path + "/modeling_yonder.py").read())
        if importlib.util.find_spec("torch"):
            import interop_torch
            by_torch = abs(interop_torch.logits(path, config, w, np.load(tokens)) - expected).max()
            print(f"{name} (PyTorch): largest difference {by_torch:.2g}")
            worst = max(worst, by_torch)
    return not (found.shape == expected.shape and largest > 1 and worst < 2e-5)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
