"""tests/scripts/vectors.py FOLDER GOLDEN [--update]: reads the conformance vectors of rope, alibi
and t5 with numpy, computes scores, weights and outputs from the papers' formulas, and fails if they
differ by 1e-12. Compares each file's weighted sum with GOLDEN, or writes it there (--update)."""
import glob
import json
import math
import os
import sys

import numpy as np


def read(path):
    data = open(path, "rb").read()
    begin = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:begin])
    said = json.loads(header.pop("__metadata__")["vectors"])
    assert all(t["dtype"] == "F64" for t in header.values()) and len(data) < 110_000
    return said, {name: np.frombuffer(data[begin + t["data_offsets"][0]:begin + t["data_offsets"][1]])
                  .reshape(t["shape"]) for name, t in header.items()}


def product(q, k):
    return np.einsum("bihc,bjhc->bhij", q, k) / math.sqrt(q.shape[-1])


def rope(said, t, distance):
    d, N, L, o = t["q"].shape[-1], said["N"], said["L"], said["options"]
    k, base = max(1, L / N), o["rope.base"]
    w, amplitude = base ** (-np.arange(0, d, 2) / d), 1
    if o["rope.scaling"] == "linear":
        w = w / k
    elif o["rope.scaling"] == "ntk":
        w = (base * k ** (d / (d - 2))) ** (-np.arange(0, d, 2) / d)
    elif o["rope.scaling"] == "yarn":  # arXiv:2309.00071, rounded as in its code
        pair = [d * math.log(N / (2 * math.pi * turns)) / (2 * math.log(base))
                for turns in (o["rope.beta_fast"], o["rope.beta_slow"])]
        low, high = (min(max(x, 0), d - 1) for x in (math.floor(pair[0]), math.ceil(pair[1])))
        ramp = np.clip((np.arange(d // 2) - low) / (high - low or 0.001), 0, 1)
        w, amplitude = w / k * ramp + w * (1 - ramp), 0.1 * math.log(k) + 1
    elif o["rope.scaling"] != "direct":
        return None
    turn = amplitude * np.exp(1j * np.arange(L)[:, None, None] * w)
    q, key = ((x[..., 0::2] + 1j * x[..., 1::2]) * turn for x in (t["q"], t["k"]))
    return np.einsum("bihc,bjhc->bhij", q, key.conj()).real / math.sqrt(d)


def alibi(said, t, distance):
    H = t["q"].shape[2]
    n = 2 ** math.floor(math.log2(H))
    slopes = [2 ** (-8 * (h + 1) / n) for h in range(n)]
    slopes += [2 ** (-4 * (2 * h + 1) / n) for h in range(H - n)]
    return product(t["q"], t["k"]) - np.array(slopes)[:, None, None] * abs(distance)


def t5(said, t, distance):  # transformers' T5Attention._relative_position_bucket
    buckets, most = said["options"]["t5.buckets"], said["options"]["t5.max_distance"]
    bucket = np.zeros_like(distance)
    if not said["causal"]:
        buckets //= 2
        bucket, distance = np.where(distance < 0, buckets, 0), abs(distance)
    exact = buckets // 2
    far = exact + np.floor(np.log(np.maximum(distance, 1) / exact) / math.log(most / exact)
                           * (buckets - exact)).astype(int)
    bucket = bucket + np.where(distance < exact, np.maximum(distance, 0), np.minimum(far, buckets - 1))
    bias, = (t[n] for n in t if n.startswith("encoding.t5."))
    return product(t["q"], t["k"]) + bias[bucket].transpose(2, 0, 1)


def check(path, scores):
    said, t = read(path)
    T = t["q"].shape[1]
    i = np.arange(T)
    s = scores(said, t, np.subtract.outer(i, i))
    if s is None:
        return False
    length = np.array(said["lengths"])[:, None]
    there = i < length
    seen = there[:, None, :, None] & there[:, None, None, :]
    if said["causal"]:
        seen = seen & np.tri(T, dtype=bool)
    assert ((t["scores"] > -np.inf) == seen).all(), path
    s = np.where(seen, s, -np.inf)
    p = np.exp(s - np.where(seen.any(-1, keepdims=True), s.max(-1, keepdims=True), 0))
    p = p / np.maximum(p.sum(-1, keepdims=True), 1e-300)
    z = np.einsum("bhij,bjhc->bihc", p, t["v"])
    dv = np.einsum("bhij,bihc->bjhc", p, t["dout"])
    for ours, theirs in ((np.where(seen, s, 0), np.where(seen, t["scores"], 0)),
                         (p, t["weights"]), (z, t["out"]), (dv, t["grad.v"])):
        assert abs(ours - theirs).max() < 1e-12, (path, abs(ours - theirs).max())
    return True


def weighted_sum(path):
    """Returns Σ of all finite values, tensors sorted by name, with weights cycling through 1 to 97.
    A checksum of the bytes would not do, as the last bits differ between processors."""
    _, tensors = read(path)
    x = np.concatenate([tensors[name].ravel() for name in sorted(tensors)])
    return float(np.sum(np.where(np.isfinite(x), x, 0) * (np.arange(x.size) % 97 + 1)))


def compare_sums(folder, golden, update):
    sums = {os.path.basename(p).removesuffix(".safetensors"): weighted_sum(p)
            for p in sorted(glob.glob(folder + "/*.safetensors"))}
    if update:
        with open(golden, "w") as out:
            json.dump({name: float(f"{x:.12g}") for name, x in sums.items()}, out, indent=0)
            out.write("\n")
    expected = json.load(open(golden))
    off = sorted(set(sums) ^ set(expected)) + [
        f"{name}: {x!r}, not {expected[name]!r}" for name, x in sums.items()
        if name in expected and abs(x - expected[name]) > 1e-8 * max(1, abs(expected[name]))]
    assert not off, "other vectors than in " + golden + ": " + "; ".join(off[:20])
    return len(sums)


if __name__ == "__main__":
    folder, golden, read_files = sys.argv[1], sys.argv[2], 0
    print(compare_sums(folder, golden, "--update" in sys.argv), "files have the sums that they had")
    cases = ["causal", "beyond", "heads-3", "padded", "bidirectional"]
    for name, scores in (("alibi", alibi), ("t5", t5), ("rope", rope)):
        for case in cases + ["scaling-linear", "scaling-ntk", "scaling-yarn"] * (name == "rope"):
            read_files += check(f"{folder}/{name}.{case}.safetensors", scores)
    print(f"{read_files} files agree")
    sys.exit(read_files != 18)
