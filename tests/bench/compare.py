#!/usr/bin/env python3
"""yonder against PyTorch on this machine: the same models, data sizes and optimiser, interleaved.

    sudo apt-get install python3-torch
    python3 tests/bench/compare.py [--yonder build/release/yonder] [--rounds 5] [--only small]

PyTorch 2 (Debian 13; install libopenblas0-openmp too, or its products take the reference BLAS) runs
torch2_baseline.py for rope, with flash attention, and has rows in bf16: its best of bf16, of bf16
with attention in f32, and of f32. PyTorch 1 and other encodings run torch_baseline.py.

Each round starts one process of every program, so that what changes on the machine meets all
alike. Printed are medians over the rounds, quartiles, and how many times as fast yonder is. A round
in which other processes were busy (yonder bench says so) is taken again, up to --retries times;
what stays disturbed is marked `void`.
"""
import argparse, json, os, platform, statistics, subprocess, sys, tempfile, datetime, typing

here = os.path.dirname(os.path.abspath(__file__))
TUNED = dict(MALLOC_MMAP_THRESHOLD_='1073741824', MALLOC_TRIM_THRESHOLD_='4294967296',
             MALLOC_TOP_PAD_='67108864', MALLOC_ARENA_MAX='1')

TRAIN = [(size, enc) for size in ('tiny', 'small', 'base') for enc in ('rope',)] + [
    ('small', enc) for enc in ('deberta', 'shaw', 'xlnet')]
TEST = ['rope', 'deberta', 'shaw', 'xlnet']


class Spec(typing.NamedTuple):
    name: str      # of the row
    ours: list     # arguments of yonder bench
    rivals: dict   # by kind, the command lines of which the fastest counts


def specs(torch2):
    def baseline(enc):
        return os.path.join(here, 'torch2_baseline.py' if torch2 and enc == 'rope'
                            else 'torch_baseline.py')

    def train(size, enc, precision):
        theirs = [baseline(enc), '--size', size, '--enc', enc]
        newest = theirs[0].endswith('torch2_baseline.py')
        tuned = [theirs if newest else [*theirs, '--opt', 'flat']]
        if precision == 'bf16':
            tuned += [[*theirs, '--bf16'], [*theirs, '--bf16', '--attention-f32']]
        rivals = {'tuned': tuned}
        if enc == 'rope' and precision == 'f32':
            rivals['stock'] = [theirs]
        ours = ['train', '--size', size, '--encoding', enc, '--precision', precision]
        return Spec(f'train {size} {enc}' + (' bf16' if precision == 'bf16' else ''), ours,
                    rivals)

    def test(enc):
        theirs = [baseline(enc), '--size', 'small', '--enc', enc, '--eval', '16384']
        if not theirs[0].endswith('torch2_baseline.py'):
            theirs += ['--chunk', '256']
        return Spec(f'test 16384 {enc}', ['eval', '--encoding', enc, '--lengths', '16384'],
                    {'tuned': [theirs]})

    rows = [train(size, enc, 'f32') for size, enc in TRAIN]
    if torch2:
        rows += [train(size, 'rope', 'bf16') for size in ('small', 'base')]
    return rows + [test(enc) for enc in TEST]


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


def run_theirs(o, variants, environment):
    """The figures of the fastest."""
    def run(arguments):
        j = last_json([o.python, *arguments, '--threads', str(o.threads), '--secs', str(o.seconds)],
                      environment)
        if 'error' in j:
            sys.exit('compare: PyTorch could not: ' + j['error'])
        return j.get('ms') or 1e3 * j['sec'], j['rss_mb']
    return min(map(run, variants))


def one_round(o, row, spec, tuned):
    """yonder on both sides of its rivals: a disturbance that comes meanwhile is seen."""
    before = run_ours(o, spec.ours)
    rivals = [(who, *run_theirs(o, variants, tuned if who == 'tuned' else {}))
              for who, variants in spec.rivals.items()]
    after = run_ours(o, spec.ours)
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
    version = version.stdout.strip()
    rows = specs(torch2=int(version.split('.')[0]) >= 2)
    chosen = [spec for spec in rows if o.only in spec.name]
    if not chosen:
        sys.exit(f"compare: no row contains '{o.only}'; they are " + ', '.join(s.name for s in rows))
    name, vectors = processor()
    print(f'{datetime.date.today()}, {name} ({vectors}), {o.threads} threads, '
          f'PyTorch {version}; ms, medians and quartiles of {o.rounds} rounds; MB\n')
    print('| what | yonder | PyTorch tuned | PyTorch stock | × tuned | × stock | memory | |')
    print('|---|---|---|---|---|---|---|---|')
    with tempfile.TemporaryDirectory() as folder:
        tuned = {**TUNED, 'ATEN_CPU_CAPABILITY': vectors, 'LD_PRELOAD': build_shim(folder)}
        for spec in chosen:
            row = Row(spec.name)
            done = 0
            while done < o.rounds:
                done += one_round(o, row, spec, tuned)
            print_row(row)


main()
