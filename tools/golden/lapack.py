"""Write test/golden/lapack.json: what LAPACK makes of hostile spectra.

    python3 -m venv /tmp/venv-lapack && /tmp/venv-lapack/bin/pip install numpy==2.4.6 scipy==1.17.1
    /tmp/venv-lapack/bin/python tools/golden/lapack.py [file]

Matrices are not stored but made anew by test/support/spectra.ts, the same bits: their entries are small integers times
powers of two, so that every sum in making them is exact. Held of each are the eigenvalues (dsyevd) or singular values (dgesdd),
descending, or the rank and the diagonal of the Cholesky factor with pivots (dpstrf, tolerance 1e-12 of the largest
diagonal entry; it does not scale, so it gets the matrix without its exponent), rounded to 15 digits; what is below
n 2^-52 of the largest is written as 0.
"""

import json
import platform
import sys
from pathlib import Path

import numpy as np
import scipy
from scipy.linalg.lapack import dpstrf

OUT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2] / "test/golden/lapack.json")


def integers(seed, rows, columns):
    """Integers in -3..3 from a linear congruential generator (Numerical Recipes' constants)."""
    state, out = seed, np.zeros(rows * columns)
    for at in range(rows * columns):
        state = (1664525 * state + 1013904223) % 2**32
        out[at] = (state >> 16) % 7 - 3
    return out.reshape(rows, columns)


def reflected(matrix, v):
    """H M H of H = I - 2 v v^T / v^T v, whose v^T v is a power of two."""
    factor = 2 / (v @ v)
    matrix = matrix - factor * np.outer(matrix @ v, v)
    return matrix - factor * np.outer(v, v @ matrix)


def signs(seed, n, first):
    """A vector of -1 and 1 in 2^j places, the first or the last ones, as many as fit; 0 elsewhere."""
    many = 2 ** int(np.floor(np.log2(n)))
    v = np.zeros(n)
    places = np.arange(many) + (0 if first else n - many)
    v[places] = np.where(integers(seed, 1, many)[0] < 0, -1, 1)
    return v


def symmetric(kind, n, rank, seed):
    if kind == "wilkinson":
        return np.diag(np.abs(np.arange(n) - (n - 1) / 2)) + np.diag(np.ones(n - 1), 1) + np.diag(np.ones(n - 1), -1)
    if kind == "clusters":
        values = np.where(np.arange(n) < rank, np.array([4.0, 4, 1])[np.arange(n) % 3], 0)
        return reflected(reflected(np.diag(values), signs(seed, n, True)), signs(seed + 1, n, False))
    factors = integers(seed, n, rank)
    if kind == "bordered":
        factors[::3] = 0
    if kind == "falling":
        factors *= 2.0 ** -np.floor(50 * np.arange(n) / n)[:, None]
    if kind == "rising":
        factors *= 2.0 ** -np.floor(50 * np.arange(n)[::-1] / n)[:, None]
    return factors * np.where(np.arange(rank) % 2, -1 if kind == "indefinite" else 1, 1) @ factors.T


def rectangular(kind, rows, columns, rank, seed):
    left = integers(seed, rows, rank)
    if kind == "falling":
        left *= 2.0 ** -np.floor(50 * np.arange(rows) / rows)[:, None]
    if kind == "bordered":
        left[::3] = 0
    return left @ integers(seed + 1, rank, columns)


def rounded(values):
    least = len(values) * 2.0**-52 * max(map(abs, values), default=0)
    return [float(f"{value:.15g}") if abs(value) > least else 0 for value in values]


def ranks(n):
    return sorted({1, (n + 1) // 2, n})


def main():
    eigenvalues, singular, cholesky = [], [], []
    seed = 1
    kinds = ["gram", "falling", "rising", "bordered", "clusters", "indefinite"]
    shapes = [(kind, n, rank, 0) for kind in kinds for n in (1, 2, 5, 16, 33) for rank in ranks(n)]
    shapes += [("wilkinson", n, n, 0) for n in (2, 21, 60)] + [("gram", 5, 0, 0), ("gram", 130, 40, 0), ("clusters", 512, 7, 0)]
    shapes += [(kind, 12, 5, exponent) for kind in kinds for exponent in (-1074, -900, 900, 1000)]
    for kind, n, rank, exponent in shapes:
        seed += 2
        case = dict(kind=kind, n=n, rank=rank, seed=seed, exponent=exponent)
        matrix = symmetric(kind, n, rank, seed) * 2.0**exponent
        eigenvalues.append({**case, "values": rounded(np.linalg.eigvalsh(matrix)[::-1])})
        if kind in ("indefinite", "wilkinson"):
            continue
        if exponent == -1074 and kind not in ("gram", "bordered"):
            continue  # Fractions rounded to denormals: no Gram matrix any more.
        scaled = np.ldexp(matrix, -exponent)
        factor, _, found, _ = dpstrf(scaled, tol=1e-12 * scaled.diagonal().max(), lower=1)
        diagonal = np.ldexp(np.diag(factor)[:found], exponent // 2)
        cholesky.append({**case, "found": int(found), "diagonal": rounded(diagonal)})
    sizes = [(1, 5), (5, 1), (7, 7), (16, 5), (5, 16), (33, 20), (20, 33)]
    shapes = [(kind, *size, rank, 0) for kind in ("gram", "falling", "bordered") for size in sizes for rank in ranks(min(size))]
    shapes += [(kind, 9, 12, 4, exponent) for kind in ("gram", "falling") for exponent in (-1074, -700, 700, 1000)]
    for kind, rows, columns, rank, exponent in shapes:
        seed += 2
        values = np.linalg.svd(rectangular(kind, rows, columns, rank, seed) * 2.0**exponent, compute_uv=False)
        case = dict(kind=kind, rows=rows, columns=columns, rank=rank, seed=seed, exponent=exponent)
        singular.append({**case, "values": rounded(values)})
    made = dict(python=platform.python_version(), numpy=np.__version__, scipy=scipy.__version__)
    lists = dict(eigenvalues=eigenvalues, singularValues=singular, cholesky=cholesky)
    text = ",\n".join(f'"{name}": [\n' + ",\n".join(map(json.dumps, cases)) + "\n]" for name, cases in lists.items())
    OUT.write_text(f'{{"made": {json.dumps(made)},\n{text}\n}}\n')


main()
