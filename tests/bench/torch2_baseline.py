#!/usr/bin/env python3
"""The model of models/README.md in PyTorch 2 on a CPU, as fast as PyTorch makes it: flash attention
(scaled_dot_product_attention), q, k and v in one product, and the fused AdamW.

    python3 tests/bench/torch2_baseline.py --size small [--bf16 [--attention-f32]]
    python3 tests/bench/torch2_baseline.py --size small --eval 16384

One configuration per process; prints one line of JSON: ms of a step, or sec of a test, and the
peak memory of the process in MB. compare.py sets the environment that makes it tuned.
"""
import argparse
import json
import math
import resource
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F

SIZES = dict(tiny=(64, 4, 2, 64, 32), small=(128, 4, 4, 128, 16), base=(256, 8, 6, 256, 8))
VOCABULARY = 256


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--size', default='small', choices=SIZES)
    parser.add_argument('--enc', default='rope', choices=['rope', 'none'])
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--secs', type=float, default=4)
    parser.add_argument('--bf16', action='store_true', help='products in bf16, by autocast')
    parser.add_argument('--attention-f32', action='store_true',
                        help='attention in f32 all the same: its backward pass in bf16 is slow')
    parser.add_argument('--eval', type=int, default=0, help='test one sequence of so many tokens')
    return parser.parse_args()


class Rope(nn.Module):
    """Pairs (c, c + d/2) turned by position · 10000^(−2c/d)."""

    def __init__(self, length, d):
        super().__init__()
        angle = torch.arange(float(length))[:, None] * 10000.0 ** (-torch.arange(0, d, 2.0) / d)
        self.cos, self.sin = angle.cos(), angle.sin()

    def forward(self, x):
        a, b = x.chunk(2, -1)
        return torch.cat([a * self.cos - b * self.sin, b * self.cos + a * self.sin], -1)


class Block(nn.Module):
    def __init__(self, width, heads, position, attention_type):
        super().__init__()
        self.heads, self.position, self.attention_type = heads, position, attention_type
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.o = (nn.Linear(width, n * width, bias=False) for n in (3, 1))
        self.up, self.down = (nn.Linear(a * width, b * width, bias=False) for a, b in ((1, 4), (4, 1)))

    def forward(self, x):
        B, T, D = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(B, T, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        dtype = self.attention_type or v.dtype
        q, k, v = (part.to(dtype) for part in (self.position(q), self.position(k), v))
        z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.o(z.transpose(1, 2).reshape(B, T, D))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate='tanh'))


class Model(nn.Module):
    def __init__(self, width, heads, layers, length, enc, attention_type):
        super().__init__()
        position = Rope(length, width // heads) if enc == 'rope' else nn.Identity()
        self.embed = nn.Embedding(VOCABULARY, width)
        self.blocks = nn.ModuleList(Block(width, heads, position, attention_type)
                                    for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, VOCABULARY, bias=False)

    def forward(self, tokens):
        x = self.embed(tokens) * math.sqrt(self.embed.embedding_dim)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def seconds(f, times):
    start = time.perf_counter()
    for _ in range(times):
        f()
    return (time.perf_counter() - start) / times


def training_step(model, length, batch, bf16):
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, fused=True)
    batches = [torch.randint(0, VOCABULARY, (batch, length + 1)) for _ in range(8)]
    count = 0

    def step():
        nonlocal count
        tokens = batches[count % 8]
        count += 1
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast('cpu', dtype=torch.bfloat16, enabled=bf16):
            logits = model(tokens[:, :-1])
            loss = F.cross_entropy(logits.view(-1, VOCABULARY).float(), tokens[:, 1:].reshape(-1))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return step


def main():
    o = parse()
    torch.set_num_threads(o.threads)
    torch.manual_seed(0)
    torch.set_flush_denormal(True)
    width, heads, layers, length, batch = SIZES[o.size]
    model = Model(width, heads, layers, o.eval or length, o.enc,
                  torch.float32 if o.attention_f32 else None)
    if o.eval:
        tokens = torch.randint(0, VOCABULARY, (1, o.eval))
        with torch.no_grad():
            model(tokens)
            result = {'sec': statistics.median(seconds(lambda: model(tokens), 1) for _ in range(3))}
    else:
        step = training_step(model, length, batch, o.bf16)
        seconds(step, 5)
        windows = 9
        each = max(1, int(o.secs / windows / seconds(step, 2)))
        result = {'ms': 1e3 * statistics.median(seconds(step, each) for _ in range(windows))}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(json.dumps({**vars(o), **result, 'rss_mb': round(peak)}))


main()
