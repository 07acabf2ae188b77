#!/usr/bin/env python3
"""yonder against PyTorch on this machine: the same models, data sizes and optimiser, interleaved.

    sudo apt-get install python3-torch
    python3 tests/bench/compare.py [--yonder build/release/yonder] [--rounds 5] [--only small]

Each round starts one process of every program, so that what changes on the machine meets all
alike. Printed are medians over the rounds, quartiles, and how many times as fast yonder is. A round
in which other processes were busy (yonder bench says so) is taken again, up to --retries times;
what stays disturbed is marked `void`.
"""
import argparse, json, os, platform, statistics, subprocess, sys, tempfile, datetime

here = os.path.dirname(os.path.abspath(__file__))
TUNED = dict(MALLOC_MMAP_THRESHOLD_='1073741824', MALLOC_TRIM_THRESHOLD_='4294967296',
             MALLOC_TOP_PAD_='67108864', MALLOC_ARENA_MAX='1')

# (row, arguments of yonder bench, arguments of torch_baseline.py, also the stock install)
ROWS = [(f'train {size} {enc}', ['train', '--size', size, '--encoding', enc],
         ['--size', size, '--enc', enc], enc == 'rope')
        for size, enc in [('tiny', 'rope'), ('small', 'rope'), ('base', 'rope'),
                          ('small', 'deberta'), ('small', 'shaw'), ('small', 'xlnet')]]
ROWS += [(f'test 16384 {enc}', ['eval', '--encoding', enc, '--length', '16384'],
          ['--size', 'small', '--enc', enc, '--eval', '16384', '--chunk', '256'], False)
         for enc in ['rope', 'deberta', 'shaw', 'xlnet']]


def last_json(command, environment):
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f'{" ".join(command)}\n{done.stderr}')
    return json.loads(done.stdout.strip().splitlines()[-1])


def processor():
    """Its name, and torch's best vectors on it, which torch takes of itself only as avx2."""
    with open('/proc/cpuinfo') as lines:
        fields = dict(map(str.strip, line.split(':', 1)) for line in lines if ':' in line)
    flags = fields.get('flags', '').split()  # ARM has neither this field nor a name
    vectors = next((v for v, flag in [('avx512', 'avx512bw'), ('avx2', 'avx2')] if flag in flags),
                   'default')
    return fields.get('model name', platform.machine()), vectors


def build_shim(folder):
    """torch's own products by oneDNN, whose kernels are the best on this kind of processor."""
    shim = os.path.join(folder, 'shim.so')
    command = ['g++', '-O3', '-shared', '-fPIC', os.path.join(here, 'sgemm_shim.cpp'), '-o', shim,
               '-ldnnl']
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f'compare: the shim does not build; install libdnnl-dev\n{done.stderr}')
    return shim


class Row:
    def __init__(self, name):
        self.name, self.ms, self.memory, self.void = name, {}, {}, False

    def add(self, who, ms, megabytes):
        self.ms.setdefault(who, []).append(ms)
        self.memory[who] = max(self.memory.get(who, 0), megabytes)


def run_ours(o, arguments):
    command = [o.yonder, 'bench', *arguments, '--threads', str(o.threads), '--json',
               '--max-wait', str(o.seconds)]
    j = last_json(command, {})
    figures = j['rows'][0] if 'rows' in j else j
    return figures['ms'], j.get('peak_bytes', figures.get('peak_bytes')) / 1e6, figures['void']


def run_theirs(o, arguments, environment, more):
    j = last_json([o.python, o.baseline, *arguments, '--threads', str(o.threads),
                   '--secs', str(o.seconds), *more], environment)
    if 'error' in j:
        sys.exit('compare: PyTorch could not: ' + j['error'])
    return j.get('ms') or 1e3 * j['sec'], j['rss_mb']


def one_round(o, row, spec, tuned):
    """yonder on both sides of its rivals: a disturbance that comes meanwhile is seen."""
    _, ours, theirs, stock = spec
    before = run_ours(o, ours)
    rivals = [('tuned', *run_theirs(o, theirs, tuned, [] if ours[0] == 'eval' else ['--opt', 'flat']))]
    if stock:
        rivals.append(('stock', *run_theirs(o, theirs, {}, [])))
    after = run_ours(o, ours)
    disturbed = before[2] or after[2]
    if disturbed and o.retries > 0:
        o.retries -= 1
        return False
    row.void |= disturbed
    row.add('yonder', (before[0] + after[0]) / 2, max(before[1], after[1]))
    for who, ms, megabytes in rivals:
        row.add(who, ms, megabytes)
    return True


def print_row(row):
    def cell(who):
        if who not in row.ms:
            return ''
        ms = sorted(row.ms[who])
        n = len(ms)
        return f'{statistics.median(ms):.1f} ({ms[n // 4]:.1f}–{ms[(3 * n) // 4]:.1f})'

    def ratio(who):
        if who not in row.ms:
            return ''
        return f'{statistics.median(row.ms[who]) / statistics.median(row.ms["yonder"]):.2f}×'

    print(f'| {row.name} | {cell("yonder")} | {cell("tuned")} | {cell("stock")} | {ratio("tuned")} | '
          f'{ratio("stock")} | {row.memory["yonder"]:.0f} / {row.memory["tuned"]:.0f} | '
          f'{"void" if row.void else ""} |', flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--yonder', default=os.path.join(here, '../../build/release/yonder'))
    parser.add_argument('--python', default='/usr/bin/python3', help='one that has torch')
    parser.add_argument('--baseline', default=os.path.join(here, 'torch_baseline.py'))
    parser.add_argument('--threads', type=int, default=os.cpu_count())
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--seconds', type=float, default=4, help='of one process')
    parser.add_argument('--retries', type=int, default=20, help='of disturbed rounds, in all')
    parser.add_argument('--only', default='', help='rows whose name contains this')
    o = parser.parse_args()
    version = subprocess.run([o.python, '-c', 'import torch; print(torch.__version__)'],
                             capture_output=True, text=True)
    if version.returncode:
        sys.exit(f'compare: {o.python} has no torch; install python3-torch or name another --python')
    specs = [spec for spec in ROWS if o.only in spec[0]]
    if not specs:
        sys.exit(f"compare: no row contains '{o.only}'; they are " + ', '.join(s[0] for s in ROWS))
    name, vectors = processor()
    print(f'{datetime.date.today()}, {name} ({vectors}), {o.threads} threads, '
          f'PyTorch {version.stdout.strip()}; ms, medians and quartiles of {o.rounds} rounds; MB\n')
    print('| what | yonder | PyTorch tuned | PyTorch stock | × tuned | × stock | memory | |')
    print('|---|---|---|---|---|---|---|---|')
    with tempfile.TemporaryDirectory() as folder:
        tuned = {**TUNED, 'ATEN_CPU_CAPABILITY': vectors, 'LD_PRELOAD': build_shim(folder)}
        for spec in specs:
            row = Row(spec[0])
            done = 0
            while done < o.rounds:
                done += one_round(o, row, spec, tuned)
            print_row(row)


main()
