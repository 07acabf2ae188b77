#!/usr/bin/env python3
"""PyTorch-CPU baseline: decoder-only pre-LN causal LM, next-byte CE, selectable position encoding.
Run with a python3 that has torch (measured: 1.13.1 of Debian 12).  One configuration per process (peak RSS)."""
import argparse, json, math, os, resource, sys, time
ap = argparse.ArgumentParser()
ap.add_argument('--size', default='small'); ap.add_argument('--enc', default='rope')
ap.add_argument('--threads', type=int, default=2); ap.add_argument('--bf16', action='store_true')
ap.add_argument('--jit', action='store_true'); ap.add_argument('--opt', default='foreach', choices=['foreach', 'flat'])
ap.add_argument('--secs', type=float, default=4.0); ap.add_argument('--profile', action='store_true')
ap.add_argument('--eval', type=int, default=0, help='forward-only length'); ap.add_argument('--chunk', type=int, default=0)
ap.add_argument('--attn', default='baddbmm', choices=['baddbmm', 'add', 'sdpa'])
ap.add_argument('--deberta', default='gather', choices=['gather', 'skew'])
ap.add_argument('--shaw', default='skew', choices=['gather', 'skew'])
ap.add_argument('--reps', type=int, default=9); ap.add_argument('--tag', default=''); ap.add_argument('--check', action='store_true')
ap.add_argument('--limit-gib', type=float, default=20)
a = ap.parse_args()
resource.setrlimit(resource.RLIMIT_AS, (int(a.limit_gib * 2**30),) * 2)
import torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(a.threads); torch.manual_seed(0)
try: torch.set_flush_denormal(True)
except Exception: pass
SIZES = dict(tiny=(64, 4, 2, 64, 32), small=(128, 4, 4, 128, 16), base=(256, 8, 6, 256, 8), nano=(384, 6, 6, 256, 8))
D, H, NL, L, B = SIZES[a.size]; V = 256; DH = D // H; CLIP = 16; DEB = 128
NEG = -1e9

def sinus(n, d, desc=False):
    p = torch.arange(n - 1, -1, -1.0) if desc else torch.arange(float(n))
    f = torch.exp(torch.arange(0, d, 2.0) * (-math.log(10000.0) / d))
    x = p[:, None] * f; return torch.cat([x.sin(), x.cos()], -1)
def t5_bucket(dist, nb=32, maxd=128):
    ex = nb // 2
    big = ex + (torch.log(dist.float().clamp(min=1) / ex) / math.log(maxd / ex) * (nb - ex)).long().clamp(max=nb - ex - 1)
    return torch.where(dist < ex, dist, big)
def rel_shift(x):        # x[..., i, m], distance t = L-1-m  ->  [..., i, j] with j = i - t
    n, l, _ = x.shape
    return F.pad(x, (1, 0)).view(n, l + 1, l)[:, 1:]
def rel_shift_t(x):      # x[..., j, t] -> s[..., i, j], i = j + t
    n, l, _ = x.shape
    return F.pad(x, (0, 1)).view(n, -1)[:, :l * l].view(n, l, l).transpose(1, 2)
def unshift(x):          # inverse of rel_shift (x is 0 above the diagonal)
    n, l, _ = x.shape
    return F.pad(x.reshape(n, l * l), (l, 0)).view(n, l, l + 1)[:, :, 1:]
def clampidx(l, k): return torch.arange(l - 1, -1, -1).clamp(max=k)   # descending distance order

class Consts:            # per-length constants, built once
    def __init__(s, l, b, full=True):
        s.l = l
        if full:
            s.mask = torch.full((l, l), NEG).triu(1)
            i = torch.arange(l); s.dist = (i[:, None] - i[None]).clamp(min=0)
        if a.enc == 'rope':
            t = torch.arange(float(l))[:, None] * torch.exp(torch.arange(0, DH, 2.0) * (-math.log(10000.0) / DH))
            s.cos, s.sin = t.cos(), t.sin()
        if a.enc == 'alibi':
            s.slopes = torch.tensor([2.0 ** (-8 * (h + 1) / H) for h in range(H)])
            if full:
                m = (-s.slopes[:, None, None] * s.dist + s.mask)
                s.alibi = m[:, None].expand(H, b, l, l).reshape(H * b, l, l).contiguous() if not a.eval else m
        if a.enc in ('xlnet',): s.R = sinus(l, D, desc=True)

class Attn(nn.Module):
    def __init__(s):
        super().__init__()
        s.qkv = nn.Linear(D, 3 * D); s.proj = nn.Linear(D, D)
        if a.enc == 'shaw':
            s.ek = nn.Parameter(torch.randn(CLIP + 1, DH) * .02); s.ev = nn.Parameter(torch.randn(CLIP + 1, DH) * .02)
        if a.enc == 'xlnet':
            s.wr = nn.Linear(D, D, bias=False); s.u = nn.Parameter(torch.zeros(H, 1, DH)); s.v = nn.Parameter(torch.zeros(H, 1, DH))
    def forward(s, x, c, bias, P):
        b, l, _ = x.shape
        qkv = s.qkv(x).view(b, l, 3, H, DH).permute(2, 3, 0, 1, 4)      # 3,h,b,l,dh
        scale = 1 / math.sqrt(DH * (3 if a.enc == 'deberta' else 1))
        if a.enc == 'rope':
            qk = qkv[:2]; x1, x2 = qk[..., :DH // 2], qk[..., DH // 2:]
            qk = torch.cat([x1 * c.cos - x2 * c.sin, x2 * c.cos + x1 * c.sin], -1)
            q, k = qk[0], qk[1]; v = qkv[2].contiguous()
        else:
            qkv = qkv.contiguous(); q, k, v = qkv[0], qkv[1], qkv[2]
        n = H * b
        if a.chunk: o = s.chunked(q, k, v, c, bias, P, scale, b, l).view(H, b, l, DH)
        else:
            k3, v3 = k.reshape(n, l, DH), v.reshape(n, l, DH); kt = k3.transpose(1, 2)
            if a.enc == 'xlnet':
                qs = q.reshape(H, b * l, DH) * scale
                r = s.wr(c.R).view(l, H, DH).permute(1, 2, 0)
                bd = torch.bmm(qs + s.v * scale, r).view(n, l, l)
                sc = torch.bmm((qs + s.u * scale).view(n, l, DH), kt)
                sc = add(add(sc, rel_shift(bd)), c.mask)
            else:
                q3 = q.reshape(n, l, DH) * scale
                if a.enc == 'alibi' and not a.eval: sc = torch.baddbmm(c.alibi, q3, kt)
                elif a.enc == 'alibi': sc = add(torch.bmm(q3, kt).view(H, b, l, l), c.alibi[:, None]).view(n, l, l)
                elif a.enc == 't5': sc = add(torch.bmm(q3, kt).view(H, b, l, l), bias[:, None]).view(n, l, l)
                elif a.enc == 'shaw':
                    sc = torch.bmm(q3, kt)
                    if a.shaw == 'skew':
                        e = s.ek[clampidx(l, CLIP)]
                        qe = torch.mm(q3.view(n * l, DH), e.t()).view(n, l, l); sc = add(add(sc, rel_shift(qe)), c.mask)
                    else:
                        qe = torch.mm(q3.view(n * l, DH), s.ek.t()).view(n, l, CLIP + 1)
                        sc = add(add(sc, qe.gather(2, c.dist.clamp(max=CLIP).expand(n, l, l))), c.mask)
                elif a.enc == 'deberta':
                    pk, pq = P
                    kr = F.linear(pk, s.qkv.weight[D:2 * D], s.qkv.bias[D:2 * D]).view(-1, H, DH).permute(1, 2, 0)
                    qr = F.linear(pk, s.qkv.weight[:D], s.qkv.bias[:D]).view(-1, H, DH).permute(1, 2, 0) * scale
                    sc = torch.bmm(q3, kt)
                    if a.deberta == 'skew':
                        ix = clampidx(l, DEB - 1)
                        c2p = rel_shift(torch.bmm(q3.view(H, b * l, DH), kr[:, :, ix]).view(n, l, l))
                        p2c = rel_shift_t(torch.bmm(k3.view(H, b * l, DH), qr[:, :, ix.flip(0)]).view(n, l, l))
                    else:
                        ix = c.dist.clamp(max=DEB - 1).expand(n, l, l)
                        c2p = torch.bmm(q3.view(H, b * l, DH), kr).view(n, l, -1).gather(2, ix)
                        p2c = torch.bmm(k3.view(H, b * l, DH), qr).view(n, l, -1).gather(2, ix.transpose(1, 2)).transpose(1, 2)
                    sc = add(add(add(sc, c2p), p2c), c.mask)
                elif a.attn == 'sdpa':
                    o = F._scaled_dot_product_attention(q.reshape(n, l, DH), k3, v3, c.mask)[0]; sc = None
                elif a.attn == 'baddbmm' and not a.eval: sc = torch.baddbmm(c.mask.expand(n, l, l), q3, kt)
                else: sc = add(torch.bmm(q3, kt), c.mask)
            if sc is not None:
                p = torch.softmax(sc, -1); del sc
                o = torch.bmm(p, v3)
                if a.enc == 'shaw':
                    if a.shaw == 'skew' :
                        r = unshift(p)[:, :, l - CLIP:]                       # distances CLIP-1..0
                        r = torch.cat([1 - r.sum(-1, keepdim=True), r], -1)   # the rest sits at distance >= CLIP
                        o = o + torch.matmul(r, s.ev.flip(0))
                    else:
                        r = torch.zeros(n, l, CLIP + 1).scatter_add(2, c.dist.clamp(max=CLIP).expand(n, l, l), p)
                        o = o + torch.matmul(r, s.ev)
            o = o.view(H, b, l, DH)
        return s.proj(o.permute(1, 2, 0, 3).reshape(b, l, D))
    def chunked(s, q, k, v, c, bias, P, scale, b, l):    # forward only, query-chunked: O(L*chunk) memory, skips the future
        n = H * b; q = q.reshape(n, l, DH) * scale; k = k.reshape(n, l, DH); v = v.reshape(n, l, DH); out = torch.empty(n, l, DH)
        if a.enc == 'xlnet': r = s.wr(c.R.flip(0)).view(l, H, DH).permute(1, 2, 0).contiguous()
        if a.enc == 'deberta':
            kr = F.linear(P[0], s.qkv.weight[D:2 * D], s.qkv.bias[D:2 * D]).view(-1, H, DH).permute(1, 2, 0)
            qr = F.linear(P[0], s.qkv.weight[:D], s.qkv.bias[:D]).view(-1, H, DH).permute(1, 2, 0) * scale
            kq = torch.bmm(k, qr)                                            # n, l, DEB
        for i0 in range(0, l, a.chunk):
            i1 = min(l, i0 + a.chunk); qc = q[:, i0:i1]; m = i1
            kc = k[:, :m].transpose(1, 2)
            if a.enc == 'xlnet': qu = qc + s.u * scale
            else: qu = qc
            sc = torch.bmm(qu, kc)
            w = i1 - i0; fut = torch.ones(w, w, dtype=torch.bool).triu(1)
            if a.enc != 'rope': dist = (torch.arange(i0, i1)[:, None] - torch.arange(m)[None]).clamp_(min=0)
            if a.enc == 'alibi': sc -= c.slopes[:, None, None] * dist
            elif a.enc == 't5': sc += bias[:, dist]
            elif a.enc == 'shaw':
                dc = dist.clamp(max=CLIP).expand(n, -1, -1); sc += torch.matmul(qc, s.ek.t()).gather(2, dc)
            elif a.enc == 'xlnet': sc += torch.bmm(qc + s.v * scale, r[:, :, :m]).gather(2, dist.expand(n, -1, -1))
            elif a.enc == 'deberta':
                dc = dist.clamp(max=DEB - 1)
                sc += torch.bmm(qc, kr).gather(2, dc.expand(n, -1, -1))
                sc += kq[:, :m].gather(2, dc.t().expand(n, -1, -1)).transpose(1, 2)
            sc[:, :, i0:m].masked_fill_(fut, NEG)
            p = torch.softmax(sc, -1)
            o = torch.bmm(p, v[:, :m])
            if a.enc == 'shaw': o = o + torch.matmul(torch.zeros(n, i1 - i0, CLIP + 1).scatter_add(2, dc, p), s.ev)
            out[:, i0:i1] = o
        return out
def add(x, y): return x.add_(y) if a.eval else x + y
class Block(nn.Module):
    def __init__(s):
        super().__init__(); s.l1 = nn.LayerNorm(D); s.l2 = nn.LayerNorm(D); s.at = Attn(); s.fc = nn.Linear(D, 4 * D); s.pr = nn.Linear(4 * D, D)
    def forward(s, x, c, bias, P):
        x = x + s.at(s.l1(x), c, bias, P)
        return x + s.pr(F.gelu(s.fc(s.l2(x))))
class LM(nn.Module):
    def __init__(s):
        super().__init__()
        s.wte = nn.Embedding(V, D); s.bl = nn.ModuleList(Block() for _ in range(NL)); s.lf = nn.LayerNorm(D)
        if a.enc == 'learned': s.wpe = nn.Parameter(torch.randn(L, D) * .02)
        if a.enc == 't5': s.t5 = nn.Parameter(torch.randn(H, 32) * .02)
        if a.enc == 'deberta': s.P = nn.Parameter(torch.randn(DEB, D) * .02)
        nn.init.normal_(s.wte.weight, std=.02)
    def forward(s, ids, tgt=None, c=None):
        c = c or s.c; l = ids.shape[1]; x = s.wte(ids); bias = None; P = None
        if a.enc == 'learned': x = x + s.wpe
        if a.enc == 'sinusoidal': x = x + c.pe
        if a.enc == 't5':
            bv = s.t5[:, c.bucket]                                            # h, l  by distance
            if a.chunk: bias = bv
            elif a.eval:
                bias = bv[:, c.dist].add_(c.mask)
            else:   # Toeplitz by the shift trick: cheap backward
                bias = rel_shift(bv.flip(1)[:, None].expand(H, l, l)) + c.mask
        if a.enc == 'deberta': P = (s.P, None)
        for blk in s.bl: x = blk(x, c, bias, P)
        x = s.lf(x)
        lg = F.linear(x, s.wte.weight)
        return lg if tgt is None else F.cross_entropy(lg.view(-1, V), tgt.reshape(-1))

def mkconsts(l, b, full=True):
    c = Consts(l, b, full)
    if a.enc == 'sinusoidal': c.pe = sinus(l, D)
    if a.enc == 't5': c.bucket = t5_bucket(torch.arange(l))
    return c
rss = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
m = LM(); nparam = sum(p.numel() for p in m.parameters())
med = lambda v: sorted(v)[len(v) // 2]

if a.eval:
    l = a.eval; L = l; m.eval(); out = dict(size=a.size, enc=a.enc, eval=l, chunk=a.chunk, tag=a.tag, threads=a.threads)
    try:
        with torch.no_grad():
            m.c = mkconsts(l, 1, full=not a.chunk); ids = torch.randint(0, V, (1, l)); ts = []
            while len(ts) < 5 and (sum(ts) < a.secs or len(ts) < 2) and not (ts and ts[0] > 4):
                t = time.perf_counter(); m(ids); ts.append(time.perf_counter() - t)
            out.update(sec=round(min(ts) if len(ts) < 3 else med(ts), 4), tok_s=round(l / med(ts)), rss_mb=round(rss()))
    except (RuntimeError, MemoryError) as e: out.update(error=str(e)[-150:].strip(), rss_mb=round(rss()))
    if a.check:
        with torch.no_grad(): lg = m(ids)
        out['chk'] = [round(float(v), 4) for v in (lg[0, l // 2, 3], lg[0, -1, 7], lg.abs().sum())]
    print(json.dumps(out)); sys.exit()

m.c = mkconsts(L, B)
if a.opt == 'flat':
    ps = list(m.parameters()); flat = torch.cat([p.data.reshape(-1) for p in ps]); g = torch.zeros_like(flat); o = 0
    for p in ps:
        k = p.numel(); p.data = flat[o:o + k].view_as(p); p.grad = g[o:o + k].view_as(p); o += k
    fp = nn.Parameter(flat); fp.grad = g
    opt = torch.optim.AdamW([fp], lr=3e-4, foreach=False); plist = [fp]
else:
    plist = list(m.parameters()); opt = torch.optim.AdamW(plist, lr=3e-4, foreach=True)
data = [torch.randint(0, V, (B, L + 1)) for _ in range(8)]
fwd = m
if a.jit: fwd = torch.jit.trace(m, (data[0][:, :-1], data[0][:, 1:]), check_trace=False)
foreach_norm = hasattr(torch, '_foreach_norm')
def step(i):
    d = data[i % 8]; x, y = d[:, :-1], d[:, 1:]
    if a.opt == 'flat': g.zero_()
    else: opt.zero_grad(set_to_none=True)
    if a.bf16:
        with torch.autocast('cpu', dtype=torch.bfloat16): loss = fwd(x, y)
    else: loss = fwd(x, y)
    loss.backward()
    if foreach_norm and a.opt == 'foreach':
        gs = [p.grad for p in plist]
        nrm = torch.stack(torch._foreach_norm(gs)).norm(); torch._foreach_mul_(gs, float((1.0 / (nrm + 1e-6)).clamp(max=1)))
    else: nn.utils.clip_grad_norm_(plist, 1.0)
    opt.step()
    return loss
if a.check:
    for i in range(60): l_ = step(0)
    print('loss overfit', float(l_)); sys.exit()
t = time.perf_counter(); first = float(step(0)); n = 1
for i in range(4): step(i)
t = time.perf_counter(); step(1); step(2); one = (time.perf_counter() - t) / 2
if a.profile:
    from torch.profiler import profile, ProfilerActivity
    with profile(activities=[ProfilerActivity.CPU]) as prof:
        for i in range(10): step(i)
    print(prof.key_averages().table(sort_by='self_cpu_time_total', row_limit=28, max_name_column_width=45)); sys.exit()
k = max(1, int(a.secs / a.reps / one)); ts = []
for r in range(a.reps):
    t = time.perf_counter()
    for i in range(k): step(i)
    ts.append((time.perf_counter() - t) / k)
s = med(ts); N = NL * 12 * D * D + V * D
fl = (6 * N + 12 * NL * L * D) * B * L
print(json.dumps(dict(size=a.size, enc=a.enc, tag=a.tag, threads=a.threads, bf16=a.bf16, opt=a.opt, jit=a.jit, params=nparam,
    ms=round(s * 1e3, 2), min_ms=round(min(ts) * 1e3, 2), max_ms=round(max(ts) * 1e3, 2), steps_s=round(1 / s, 2), tok_s=round(B * L / s),
    rss_mb=round(rss()), gflops=round(fl / s / 1e9, 1), flop_per_step=fl, loss0=round(first, 3))))
