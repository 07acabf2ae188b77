#!/usr/bin/env python3
"""Processor seconds of the demo: of yonder, and of PyTorch doing the same trainings and tests.

    ./demo.sh && python3 tests/bench/demo_cost.py [--python /usr/bin/python3]

yonder runs the preset quick as demo.sh does, and what it and its runs used is counted. PyTorch
trains with one thread: ms of a step × steps × seeds, of torch_baseline.py or, for RoPE and NoPE in
PyTorch 2, torch2_baseline.py. A token of its tests is taken at a third of a token of training, as if
attention cost no more at longer lengths. Its imports and its reading of the text are not counted.
KERPLE, which the baseline lacks, is taken at T5's cost.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.dirname(os.path.dirname(here))
# As train/presets/quick.toml has them.
ENCODINGS = ['none', 'learned', 'sinusoidal', 'rope', 'alibi', 't5', 't5']
UNTRAINED = ['rope', 'rope']  # rows that test rope's checkpoints under another option
LENGTHS = [64, 128, 256, 512, 1024]
STEPS, SEEDS, EXAMPLES = 600, 3, 128
TOKENS = 2048  # of a step


def run(command, environment=None):
    done = subprocess.run(command, cwd=root, env={**os.environ, **(environment or {})},
                          capture_output=True, text=True)
    if done.returncode:
        sys.exit(f'{" ".join(command)}\n{done.stderr}')
    return done.stdout


def seconds_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def yonder_seconds(yonder):
    before = seconds_of_children()
    with tempfile.TemporaryDirectory() as folder:
        run([yonder, 'sweep', 'quick', '--out', os.path.join(folder, 'demo')])
    return seconds_of_children() - before


class Torch:
    def __init__(self, python):
        version = run([python, '-c', 'import torch; print(torch.__version__)']).strip()
        self.python, self.version = python, version
        self.known = {}

    def step(self, enc):
        """Seconds of a training step."""
        newest = self.version[0] != '1' and enc in ('rope', 'none')
        script = 'torch2_baseline.py' if newest else 'torch_baseline.py'
        if enc not in self.known:
            out = run([self.python, os.path.join(here, script), '--size', 'tiny', '--enc', enc,
                       '--threads', '1'])
            self.known[enc] = json.loads(out.strip().splitlines()[-1])['ms'] / 1e3
        return self.known[enc]

    def training(self, enc):
        return self.step(enc) * STEPS * SEEDS

    def tests(self, enc):
        return self.step(enc) / 3 / TOKENS * sum(LENGTHS) * EXAMPLES * SEEDS


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--yonder', default=os.path.join(root, 'build/release/yonder'))
    parser.add_argument('--python', default='/usr/bin/python3', help='one that has torch')
    o = parser.parse_args()
    torch = Torch(o.python)
    theirs = sum(map(torch.training, ENCODINGS)) + sum(map(torch.tests, ENCODINGS + UNTRAINED))
    ours = yonder_seconds(os.path.abspath(o.yonder))
    print(f'processor seconds: yonder {ours:.0f}, PyTorch {torch.version} {theirs:.0f}, '
          f'{theirs / ours:.1f} times as many')


main()
