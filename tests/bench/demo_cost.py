#!/usr/bin/env python3
"""Processor seconds of the demo: of yonder, and of PyTorch doing the same trainings and tests.

    ./demo.sh && python3 tests/bench/demo_cost.py [--python /usr/bin/python3]

yonder runs the preset quick as demo.sh does, and what it and its runs used is counted. PyTorch
trains with one thread what yonder trained: ms of a step × steps, of torch_baseline.py or, for RoPE
and NoPE in PyTorch 2, torch2_baseline.py. A token of its tests is taken at a third of a token of
training, as if attention cost no more at longer lengths. Its imports and its reading of the text are
not counted. KERPLE, which the baseline lacks, is taken at T5's cost.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import tomllib

here = os.path.dirname(os.path.abspath(__file__))
root = os.path.dirname(os.path.dirname(here))
STAND_INS = {'kerple': 't5'}
SIZE, SHAPE = 'tiny', (64, 4, 2, 64, 32)  # of the baselines: width, heads, layers, length, batch


def run(command):
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f'{" ".join(command)}\n{done.stderr}')
    return done.stdout


def seconds_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def demo(yonder):
    """Processor seconds of the preset, and its results."""
    before = seconds_of_children()
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, 'demo')
        run([yonder, 'sweep', 'quick', '--out', out])
        seconds = seconds_of_children() - before
        with open(os.path.join(out, 'results.json'), encoding='utf-8') as file:
            return seconds, json.load(file)


def read_preset():
    with open(os.path.join(root, 'train/presets/quick.toml'), 'rb') as file:
        preset = tomllib.load(file)
    model, length = preset['model'], preset['data']['train_length']
    shape = model['width'], model['heads'], model['layers'], length, preset['train']['batch']
    if shape != SHAPE:
        sys.exit(f'quick.toml trains a model of {shape}, and the baselines one of {SHAPE}')
    return preset


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
            out = run([self.python, os.path.join(here, script), '--size', SIZE, '--enc', enc,
                       '--threads', '1'])
            self.known[enc] = json.loads(out.strip().splitlines()[-1])['ms'] / 1e3
        return self.known[enc]

    def token(self, enc):
        """Seconds of a token of a test."""
        return self.step(enc) / 3 / (SHAPE[-2] * SHAPE[-1])

    def seconds(self, preset, results):
        """Of all that yonder trained and tested."""
        def of(label):  # a row that tests another's checkpoints costs what that one does
            name = label.split(':')[0]
            return STAND_INS.get(name, name)

        sweep = preset['sweep']
        tokens = sum(sweep['eval_lengths']) * sweep['examples'] * sweep['seeds']
        return (sum(self.step(of(t['encoding'])) * t['steps'] for t in results['trainings']) +
                sum(self.token(of(label)) * tokens for label in sweep['encodings']))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--yonder', default=os.path.join(root, 'build/release/yonder'))
    parser.add_argument('--python', default='/usr/bin/python3', help='one that has torch')
    o = parser.parse_args()
    preset, torch = read_preset(), Torch(o.python)
    ours, results = demo(os.path.abspath(o.yonder))
    theirs = torch.seconds(preset, results)
    print(f'processor seconds: yonder {ours:.0f}, PyTorch {torch.version} {theirs:.0f}, '
          f'{theirs / ours:.1f} times as many')


main()
