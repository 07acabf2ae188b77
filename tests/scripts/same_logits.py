#!/usr/bin/env python3
"""Checks that two builds of yonder compute the same logits, up to rounding, from one checkpoint.

    tests/scripts/same_logits.py TRAINS READS [--encodings rope,t5] [--within 1e-5]

Both are commands, each quoted as one word: TRAINS trains 20 steps with each encoding, and READS has
to agree with its logits.
"""
import argparse, array, os, shlex, struct, subprocess, sys, tempfile

ROWS, LENGTH = 4, 32


def run(command, *arguments):
    words = [*shlex.split(command), *arguments]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f'same_logits: {" ".join(words)} ended with {done.returncode}\n{done.stderr}')


def write_tokens(path):
    """Writes tokens [ROWS, LENGTH] that every task has; half of the last row is padding."""
    tokens = [(7 * i * i + i) % 8 for i in range(ROWS * LENGTH)]
    tokens[-LENGTH // 2:] = [-1] * (LENGTH // 2)
    header = f"{{'descr': '<i4', 'fortran_order': False, 'shape': ({ROWS}, {LENGTH}), }}"
    header = header.ljust(64 * 2 - 11) + '\n'
    with open(path, 'wb') as file:
        file.write(b'\x93NUMPY\x01\x00' + struct.pack('<H', len(header)) + header.encode())
        file.write(struct.pack(f'<{len(tokens)}i', *tokens))


def read_floats(path):
    with open(path, 'rb') as file:
        content = file.read()
    numbers = array.array('f')
    numbers.frombytes(content[10 + struct.unpack_from('<H', content, 8)[0]:])
    return numbers


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('trains')
    parser.add_argument('reads')
    parser.add_argument('--encodings', default='rope,learned,t5,deberta,xlnet,fire,cope,fox,'
                        'stick-breaking', help='separated by commas')
    parser.add_argument('--within', type=float, default=1e-5)
    o = parser.parse_args()
    worst = 0
    with tempfile.TemporaryDirectory() as folder:
        at = lambda name: os.path.join(folder, name)
        write_tokens(at('tokens.npy'))
        for encoding in o.encodings.split(','):
            run(o.trains, 'train', '--quiet', '--task', 'copy', '--train-length', '15', '--width', '64',
                '--heads', '2', '--layers', '2', '--batch', '8', '--steps', '20', '--warmup', '5',
                '--encoding', encoding, '--out', at(encoding), '--threads', '1')
            for who, command in ('trains', o.trains), ('reads', o.reads):
                run(command, 'logits', at(encoding), '--tokens', at('tokens.npy'), '--out', at(who),
                    '--threads', '1')
            one, other = read_floats(at('trains')), read_floats(at('reads'))
            if len(one) != len(other) or not any(one):
                sys.exit(f'same_logits: {encoding}: {len(one)} and {len(other)} logits')
            # A NaN must not pass.
            apart = [abs(x - y) for x, y in zip(one, other)]
            far = max(apart) if all(x <= o.within for x in apart) else float('inf')
            print(f'{encoding:15} {len(one)} logits up to {max(map(abs, one)):.2f}, '
                  f'at most {max(apart):.1e} apart', flush=True)
            worst = max(worst, far)
    if worst > o.within:
        sys.exit(f'same_logits: more than {o.within:g} apart')


main()
