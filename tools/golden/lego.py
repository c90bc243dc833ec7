"""Write test/golden/lego.json: what LoRA-LEGO's formula gives on small cases, by numpy and brute force.

    python3 -m venv /tmp/venv-bench && /tmp/venv-bench/bin/pip install -r bench/baseline/requirements.txt
    /tmp/venv-bench/bin/python tools/golden/lego.py [file]

Written from the definitions alone (docs of the method, LoRA-LEGO 1 to 10), sharing no code with src/. The best clustering
is certain: every partition of the units into exactly k_eff clusters is tried (checked by scikit-learn's KMeans with 500
starts where that minimises the same thing, by all medoid sets for manhattan), and the second best must be clearly worse.
Takes some two minutes. A and B are exact in f32 (multiples of 1/256, save in the cases that cancel); all arithmetic is f64.
"""

import itertools
import json
import platform
import sys
import zlib
from pathlib import Path

import numpy as np
import sklearn
from sklearn.cluster import KMeans

OUT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2] / "test/golden/lego.json")
SEED = 20240916
IN, OUT_DIM = 6, 5
MIN_GAP = 0.01  # how much worse, relative to the best, the second best partition must be
DEFAULTS = dict(gauge="raw", sign="none", centre="mean", reweight="linf", outputReweight=True, metric="euclidean")
# Options that a case names only if it has them; the vectors of the others are older.
LATER = dict(outputNorm="free", decorrelate=0)
DELTAS = dict(gauge="svd", centre="rank1", reweight="delta", outputNorm="mean", decorrelate=0.75, metric="delta")


# ---- the method -----------------------------------------------------------------------------------------------------


def units_of(adapter, gauge):
    """Rows a (r, in), b (r, out), scale folded: sqrt|s| into both, the sign of s into b; and the indices of dead ones."""
    A, B, s = np.array(adapter["A"]), np.array(adapter["B"]), adapter["scale"]
    a, b = np.sqrt(abs(s)) * A, np.sign(s) * np.sqrt(abs(s)) * B.T
    if gauge == "svd":
        U, sigma, Vt = np.linalg.svd(delta_of(adapter), full_matrices=False)
        U, sigma, Vt = U[:, : len(A)], sigma[: len(A)], Vt[: len(A)]
        live = (sigma > 0) & (sigma >= 1e-6 * sigma[0])
        a, b = np.sqrt(sigma * live)[:, None] * Vt, np.sqrt(sigma * live)[:, None] * U.T
    dead = [i for i in range(len(a)) if not a[i].any() or not b[i].any()]
    live = [i for i in range(len(a)) if i not in dead]
    if gauge == "balanced":
        g = np.ones(len(a))
        g[live] = np.sqrt(np.linalg.norm(b[live], axis=1) / np.linalg.norm(a[live], axis=1))
        a, b = a * g[:, None], b / g[:, None]
    return a, b, live, dead


def delta_of(adapter):
    return adapter["scale"] * np.array(adapter["B"]) @ np.array(adapter["A"])


def canonical(a, b):
    """The largest |a| entry made positive."""
    flip = np.sign(a[np.arange(len(a)), np.abs(a).argmax(1)])[:, None]
    return a * flip, b * flip


def signings(n):
    """All sign vectors of length n whose first entry is +."""
    return np.array([(1, *rest) for rest in itertools.product((1, -1), repeat=n - 1)], dtype=float)


def best_signs(x, w):
    """Signs that make the weighted sum longest: the best mean of a cluster when x and -x are the same point."""
    S = signings(len(x))
    return S[np.linalg.norm((S * w) @ x, axis=1).argmax()]


def cluster_cost(x, w, metric, line):
    if metric == "manhattan":
        d = np.abs(x[:, None] - x[None]).sum(-1)
        return (w @ d).min()
    if line:
        x = x * best_signs(x, w)[:, None]
    mean = w @ x / w.sum()
    return (w * ((x - mean) ** 2).sum(1)).sum()


def partitions(n, k):
    """All partitions of 0..n-1 into exactly k blocks, each a tuple of bit masks (restricted growth strings)."""

    def go(i, blocks):
        if n - i < k - len(blocks):
            return
        if i == n:
            yield tuple(blocks)
            return
        for j in range(len(blocks)):
            yield from go(i + 1, [*blocks[:j], blocks[j] | 1 << i, *blocks[j + 1 :]])
        if len(blocks) < k:
            yield from go(i + 1, [*blocks, 1 << i])

    yield from go(0, [])


def best_partition(x, w, k, metric, line):
    """The blocks of least cost, that cost, and by how much (relative) the second best is worse (None if there is none)."""
    n = len(x)
    index = [[i for i in range(n) if mask >> i & 1] for mask in range(1 << n)]
    cost = [0.0] + [cluster_cost(x[index[m]], w[index[m]], metric, line) for m in range(1, 1 << n)]
    ranked = sorted((sum(cost[m] for m in blocks), blocks) for blocks in partitions(n, k))
    best, blocks = ranked[0]
    gap = (ranked[1][0] - best) / max(best, 1e-12) if len(ranked) > 1 else None
    if metric == "manhattan":
        d = np.abs(x[:, None] - x[None]).sum(-1)
        other = min((w * d[:, list(c)].min(1)).sum() for c in itertools.combinations(range(n), k))
        assert abs(other - best) <= 1e-12 * max(best, 1), "medoid sets disagree"
    elif not line and best > 0:
        other = KMeans(k, n_init=500, random_state=0, tol=0).fit(x, sample_weight=w).inertia_
        assert other >= best * (1 - 1e-9), "KMeans found something better"
        assert other <= best * (1 + 1e-9), "KMeans did not find the optimum"
    return [index[m] for m in blocks], best, gap


def centre_of(a, b, w, options):
    """Centre halves a', b' and the reweighting factor (None where the members cancel and the centre is zero)."""
    if options["sign"] == "line":
        flip = best_signs(np.hstack([a, b]), w)[:, None]
        a, b = a * flip, b * flip
    if options["metric"] == "delta":  # a unit and its negative are one: all on the side of the main direction
        main = np.linalg.svd(np.sqrt(w)[:, None] * np.hstack([a, b]))[2][0]
        flip = np.where(np.hstack([a, b]) @ main < 0, -1.0, 1.0)[:, None]
        a, b = a * flip, b * flip
    p = w / w.sum()
    ca, cb = p @ a, p @ b
    if options["centre"] == "rank1":
        U, sigma, Vt = np.linalg.svd(np.einsum("n,no,ni->oi", p, b, a))
        q = (p @ np.linalg.norm(b, axis=1)) / (p @ np.linalg.norm(a, axis=1))
        flip = 1.0 if Vt[0] @ ca >= 0 else -1.0
        ca, cb = flip * np.sqrt(sigma[0] / q) * Vt[0], flip * np.sqrt(sigma[0] * q) * U[:, 0]
    if options["reweight"] == "none":
        return ca, cb, 1.0
    if options["reweight"] == "delta":
        rms = np.sqrt(p @ ((a**2).sum(1) * (b**2).sum(1)))
        size = np.linalg.norm(ca) * np.linalg.norm(cb)
        if size < 1e-8 * rms:
            return 0 * ca, 0 * cb, None
        factor = np.sqrt(rms / size) if len(a) > 1 else 1.0
        return factor * ca, factor * cb, factor
    x, c = np.hstack([a, b]), np.hstack([ca, cb])
    if np.abs(c).max() < 1e-4 * (p @ np.abs(x).max(1)):
        return 0 * ca, 0 * cb, None
    order = {"linf": np.inf, "l2": 2}[options["reweight"]]
    factor = (p @ np.linalg.norm(x, order, axis=1)) / np.linalg.norm(c, order)
    return factor * ca, factor * cb, factor


def power(gram, p):
    """gram^p of a symmetric matrix."""
    values, vectors = np.linalg.eigh(gram)
    return (vectors * values**p) @ vectors.T


def decorrelated(A, B, p):
    """Rows A (k, in) and B (k, out) with their unit directions turned apart, of the same norm as a delta."""
    la, lb = np.linalg.norm(A, axis=1)[:, None], np.linalg.norm(B, axis=1)[:, None]
    U, V = A / la, B / lb
    newA, newB = la * (power(U @ U.T, -p / 2) @ U), lb * (power(V @ V.T, -p / 2) @ V)
    half = np.sqrt(np.linalg.norm(B.T @ A) / np.linalg.norm(newB.T @ newA))
    return half * newA, half * newB


def lego(adapters, k, options):
    """Everything that the tests expect, and the gap of the clustering."""
    options = LATER | options
    used = [t for t, adapter in enumerate(adapters) if adapter["weight"] > 0]
    mean_weight = np.mean([adapters[t]["weight"] for t in used])
    weight = {t: adapters[t]["weight"] / mean_weight for t in used}
    where, dead, a, b, w, ranks = [], [], [], [], [], {}
    for t in used:
        ua, ub, live, gone = units_of(adapters[t], options["gauge"])
        dead += [[t, i] for i in gone]
        if live:
            ranks[t] = len(live)
        for i in live:
            where.append([t, i]), a.append(ua[i]), b.append(ub[i]), w.append(weight[t])
    n = len(where)
    if n == 0:
        zero = np.zeros((OUT_DIM, IN))
        return dict(units=0, dead=dead, kEff=0, rank=None, outputFactor=None, clusters=[], inertia=0.0, **figures(zero, adapters, weight)), None
    a, b, w = np.array(a), np.array(b), np.array(w)
    if options["sign"] == "canonical" or (options["gauge"] == "svd" and options["sign"] != "line"):
        a, b = canonical(a, b)
    x = np.hstack([a, b])
    if k >= n:
        groups, inertia, gap = [[i] for i in range(n)], 0.0, None
    else:
        _, first, same = np.unique(x, axis=0, return_index=True, return_inverse=True)
        same = same.ravel()
        k_eff = min(k, len(first))
        points = x[first]
        if options["metric"] == "delta":
            points = np.einsum("na,nb->nab", a[first], b[first]).reshape(len(first), -1)
        if options["metric"] == "cosine":
            points = points / np.linalg.norm(points, axis=1, keepdims=True)
        blocks, inertia, gap = best_partition(points, np.bincount(same, w), k_eff, options["metric"], options["sign"] == "line")
        groups = sorted([i for i in range(n) if same[i] in block] for block in blocks)
    k_eff = len(groups)
    rank = sum(weight[t] * ranks[t] for t in ranks) / sum(weight[t] for t in ranks)
    factor = np.sqrt(rank / k_eff) if options["outputReweight"] else 1.0
    clusters, A, B = [], [], []
    for group in groups:
        ca, cb, reweight = centre_of(a[group], b[group], w[group], options)
        A.append(ca), B.append(cb)
        clusters.append(dict(members=[where[i] for i in group], reweight=reweight))
    if options["decorrelate"] > 0 and k_eff < n:
        A, B = decorrelated(np.array(A), np.array(B), options["decorrelate"])
    delta = np.zeros((OUT_DIM, IN))
    for ca, cb in zip(A, B):
        delta += factor * np.outer(cb, ca)
    if options["outputNorm"] == "mean":
        norms = [(weight[t], np.linalg.norm(delta_of(adapters[t]))) for t in ranks]
        delta *= sum(x * norm for x, norm in norms) / sum(x for x, _ in norms) / np.linalg.norm(delta)
    expected = dict(units=n, dead=dead, kEff=k_eff, rank=rank, outputFactor=factor, clusters=clusters, inertia=inertia)
    return expected | figures(delta, adapters, weight), gap


def figures(delta, adapters, weight):
    """Norm ratio, cosines and energy over the adapters that count: weight not 0, delta not zero."""
    deltas = {t: delta_of(adapters[t]) for t in weight}
    norms = {t: np.linalg.norm(d) for t, d in deltas.items() if d.any()}
    size = np.linalg.norm(delta)
    cosine = lambda d: float((delta * d).sum() / (size * np.linalg.norm(d)))
    total = sum((weight[t] * deltas[t] for t in weight), np.zeros_like(delta))
    return dict(
        delta=delta.tolist(),
        normRatio=size / np.mean(list(norms.values())) if norms else None,
        cosines=[cosine(deltas[t]) if t in norms and size > 0 else None for t in range(len(adapters))],
        energy=cosine(total) ** 2 if size > 0 else None,
    )


# ---- the cases ------------------------------------------------------------------------------------------------------


def grid(x):
    return np.round(np.asarray(x) * 256) / 256


def draw(rng, ranks, scales=None, weights=None, noise=0.35, themes=4):
    """Adapters whose units vary a few common themes, as adapters of related tasks do."""
    A0, B0 = rng.normal(size=(themes, IN)), 0.6 * rng.normal(size=(themes, OUT_DIM))
    adapters = []
    for t, r in enumerate(ranks):
        pick = rng.permutation(np.resize(np.arange(themes), r))
        A = grid(A0[pick] + noise * rng.normal(size=(r, IN)))
        B = grid(B0[pick] + noise * 0.6 * rng.normal(size=(r, OUT_DIM)))
        adapters.append(dict(A=A, B=B.T, scale=(scales or [1.0] * len(ranks))[t], weight=(weights or [1.0] * len(ranks))[t]))
    return adapters


def share_a_unit(adapters, pairs):
    """Copy unit i of adapter t to unit j of adapter u, for each (t, i, u, j)."""
    for t, i, u, j in pairs:
        adapters[u]["A"][j], adapters[u]["B"][:, j] = adapters[t]["A"][i], adapters[t]["B"][:, i]
    return adapters


def kill(adapters, a_zero=(), b_zero=(), all_b=()):
    for t, i in a_zero:
        adapters[t]["A"][i] = 0
    for t, i in b_zero:
        adapters[t]["B"][:, i] = 0
    for t in all_b:
        adapters[t]["B"][:] = 0
    return adapters


def mirror(rng):
    """The second adapter is the first with its units negated (the same delta) and in another order."""
    (one,) = draw(rng, [4])
    order = [2, 0, 3, 1]
    return [one, dict(A=-one["A"][order], B=-one["B"][:, order], scale=1.0, weight=1.0)]


def flip_some(adapters):
    """Negate whole units here and there: no delta changes, the raw clustering does."""
    for t, i in [(0, 1), (1, 0), (1, 2)]:
        adapters[t]["A"][i] *= -1
        adapters[t]["B"][:, i] *= -1
    return adapters


def opposed(rng, rest):
    """Two small units that are opposite but for `rest` in one entry, and two large ones that are near each other."""
    u = np.array([1.0, 0.5, -0.25, 0, 0.125, 0]), np.array([0.5, -1.0, 0.25, 0, 0.125])
    v, near = -u[0].copy(), np.array([0, 0.125, 0, 0.25, 0, 0])
    v[0] += rest
    big = grid(4 * rng.normal(size=IN)), grid(4 * rng.normal(size=OUT_DIM))
    pair = lambda a, b: dict(A=np.array(a), B=np.array(b).T, scale=1.0, weight=1.0)
    return [pair([u[0], big[0]], [u[1], big[1]]), pair([v, big[0] + near], [-u[1], big[1]])]


def low_rank(adapters):
    """The first adapter's unit 1 gets the a of unit 0: its delta has rank r - 1."""
    adapters[0]["A"][1] = adapters[0]["A"][0]
    return adapters


RSLORA = 8 / 6**0.5
CASES = [
    ("two adapters of equal rank", 4, {}, lambda g: draw(g, [4, 4])),
    ("two adapters of equal rank, twice the rank less one cluster", 7, {}, lambda g: draw(g, [4, 4])),
    ("two adapters of equal rank, one cluster", 1, {}, lambda g: draw(g, [3, 3], themes=1)),
    ("three adapters, unequal ranks and scales", 4, {}, lambda g: draw(g, [2, 3, 4], [2.0, 1.0, 0.5])),
    ("scale of rsLoRA beside a plain one", 3, {}, lambda g: draw(g, [6, 3], [RSLORA, 2.0])),
    ("negative scale", 3, {}, lambda g: draw(g, [4, 4], [1.5, -0.75])),
    ("unequal weights", 3, {}, lambda g: draw(g, [4, 4], weights=[3.0, 0.5])),
    ("unequal weights, ranks and scales", 4, {}, lambda g: draw(g, [2, 3, 4], [2.0, -1.0, RSLORA], [1.0, 2.0, 5.0])),
    ("weight 0 leaves an adapter out", 3, {}, lambda g: draw(g, [3, 3, 3], weights=[1.0, 0.0, 3.0])),
    ("duplicates are one point when k < N", 4, {}, lambda g: share_a_unit(draw(g, [4, 4]), [(0, 0, 1, 2), (0, 3, 1, 1)])),
    ("duplicates weigh their sum when k < N", 3, {}, lambda g: share_a_unit(draw(g, [4, 4], weights=[1.0, 2.0], noise=0.8), [(0, 0, 1, 2)])),
    ("fewer distinct units than k < N", 5, {}, lambda g: share_a_unit(draw(g, [3, 3]), [(0, 0, 1, 2), (0, 2, 1, 1)])),
    ("duplicates stay apart when k >= N", 6, {}, lambda g: share_a_unit(draw(g, [3, 3]), [(0, 0, 1, 2), (0, 2, 1, 1)])),
    ("dead units", 3, {}, lambda g: kill(draw(g, [4, 4]), a_zero=[(0, 1)], b_zero=[(1, 3)])),
    ("dead units in unequal measure", 3, {}, lambda g: kill(draw(g, [5, 4]), a_zero=[(0, 1)], b_zero=[(0, 3), (0, 4)])),
    ("an all-zero adapter does not count", 3, {}, lambda g: kill(draw(g, [4, 4, 4]), all_b=[1])),
    ("scale 0 is an all-zero adapter", 3, {}, lambda g: draw(g, [4, 6, 4], [1.0, 0.0, 1.0])),
    ("nothing live at all", 3, {}, lambda g: kill(draw(g, [2, 2]), all_b=[0, 1])),
    ("k = N: the pool times sqrt(r/N)", 8, {}, lambda g: draw(g, [4, 4])),
    ("k > N, unequal ranks and scales", 32, {}, lambda g: draw(g, [2, 3, 4], [2.0, -1.0, 0.5])),
    ("k > N, weights act on r only", 32, {}, lambda g: draw(g, [2, 5], weights=[3.0, 1.0])),
    ("one adapter, k = r", 5, {}, lambda g: draw(g, [5], [2.0])),
    ("one adapter, k > r, a dead unit", 16, {}, lambda g: kill(draw(g, [5], [-1.25]), b_zero=[(0, 2)])),
    ("pruning one adapter", 3, {}, lambda g: draw(g, [7], [2.0])),
    ("reweight l2", 3, dict(reweight="l2"), lambda g: draw(g, [4, 4], [1.0, 2.0])),
    ("reweight none", 3, dict(reweight="none"), lambda g: draw(g, [4, 4], [1.0, 2.0])),
    ("reweight linf, the default, on the same", 3, {}, lambda g: draw(g, [4, 4], [1.0, 2.0])),
    ("output reweighting off", 3, dict(outputReweight=False), lambda g: draw(g, [4, 4], [1.0, 2.0])),
    ("no reweighting at all", 3, dict(reweight="none", outputReweight=False), lambda g: draw(g, [4, 4], weights=[1.0, 3.0])),
    ("gauge balanced", 4, dict(gauge="balanced"), lambda g: draw(g, [4, 4], [1.0, -2.0])),
    ("gauge balanced, unequal weights", 3, dict(gauge="balanced"), lambda g: draw(g, [3, 5], weights=[1.0, 2.0])),
    ("gauge balanced, dead unit", 3, dict(gauge="balanced"), lambda g: kill(draw(g, [4, 4]), a_zero=[(0, 1)])),
    ("gauge svd", 4, dict(gauge="svd"), lambda g: draw(g, [4, 4], [1.0, 2.0])),
    ("gauge svd, negative scale, unequal ranks and weights", 3, dict(gauge="svd"), lambda g: draw(g, [3, 5], [-1.0, 0.5], [2.0, 1.0])),
    ("gauge svd, an adapter of lower rank than r", 3, dict(gauge="svd"), lambda g: low_rank(draw(g, [3, 4]))),
    ("gauge svd, rank above out", 4, dict(gauge="svd"), lambda g: draw(g, [7, 2], themes=7)),
    ("gauge svd, sign line", 3, dict(gauge="svd", sign="line"), lambda g: draw(g, [4, 4])),
    ("sign none on units flipped", 3, {}, lambda g: flip_some(draw(g, [3, 4], themes=3))),
    ("sign canonical on units flipped", 3, dict(sign="canonical"), lambda g: flip_some(draw(g, [3, 4], themes=3))),
    ("sign line on units flipped", 3, dict(sign="line"), lambda g: flip_some(draw(g, [3, 4], themes=3))),
    ("sign line, unequal weights and scales", 3, dict(sign="line"), lambda g: flip_some(draw(g, [3, 5], [2.0, -1.0], [1.0, 2.5], themes=3, noise=0.6))),
    ("sign canonical joins a mirrored adapter", 4, dict(sign="canonical"), mirror),
    ("gauge balanced, sign canonical", 3, dict(gauge="balanced", sign="canonical"), lambda g: flip_some(draw(g, [3, 4], themes=3))),
    ("centre rank1", 3, dict(centre="rank1"), lambda g: draw(g, [4, 4])),
    ("centre rank1, unequal weights and scales", 3, dict(centre="rank1"), lambda g: draw(g, [3, 5], [2.0, -1.0], [1.0, 2.5])),
    ("centre rank1, reweight none, output off", 3, dict(centre="rank1", reweight="none", outputReweight=False), lambda g: draw(g, [4, 4])),
    ("centre rank1, reweight l2, gauge balanced", 3, dict(centre="rank1", reweight="l2", gauge="balanced"), lambda g: draw(g, [4, 4])),
    ("centre rank1, sign line", 3, dict(centre="rank1", sign="line"), lambda g: flip_some(draw(g, [3, 4], themes=3))),
    ("centre rank1, k >= N gives the pool", 7, dict(centre="rank1"), lambda g: draw(g, [3, 4])),
    ("metric cosine", 3, dict(metric="cosine"), lambda g: draw(g, [4, 4], [0.25, 4.0])),
    ("metric cosine, unequal weights", 3, dict(metric="cosine"), lambda g: draw(g, [3, 5], [0.5, 2.0], [1.0, 3.0])),
    ("metric manhattan", 3, dict(metric="manhattan"), lambda g: draw(g, [4, 4])),
    ("metric manhattan, unequal weights", 3, dict(metric="manhattan"), lambda g: draw(g, [4, 5], [1.0, 2.0], [1.0, 3.0], noise=0.7)),
    ("metric manhattan, duplicates", 3, dict(metric="manhattan"), lambda g: share_a_unit(draw(g, [4, 4], noise=0.7), [(0, 0, 1, 2)])),
    ("metric delta", 3, dict(metric="delta"), lambda g: flip_some(draw(g, [3, 4], [0.5, 2.0], themes=3))),
    ("metric delta, unequal weights", 3, dict(metric="delta"), lambda g: draw(g, [3, 5], [0.5, -2.0], [1.0, 3.0])),
    ("reweight delta", 3, dict(reweight="delta"), lambda g: draw(g, [4, 4], [1.0, 2.0])),
    ("reweight delta, centre rank1, unequal weights", 3, dict(centre="rank1", reweight="delta"), lambda g: draw(g, [3, 5], [2.0, -1.0], [1.0, 2.5])),
    ("output norm mean", 3, dict(outputNorm="mean"), lambda g: draw(g, [4, 4], [1.0, 2.0])),
    ("output norm mean, k > N, unequal weights and ranks", 9, dict(outputNorm="mean"), lambda g: draw(g, [2, 5], weights=[3.0, 1.0])),
    ("decorrelate 0.5", 4, dict(decorrelate=0.5), lambda g: draw(g, [4, 4])),
    ("decorrelate 1, centre rank1, reweight delta", 4, dict(decorrelate=1, centre="rank1", reweight="delta"), lambda g: draw(g, [3, 5])),
    ("decorrelate 1, k = N changes nothing", 7, dict(decorrelate=1), lambda g: draw(g, [3, 4])),
    ("the preset deltas", 3, DELTAS, lambda g: draw(g, [4, 4], [1.0, 2.0])),
    ("the preset deltas, unequal ranks, scales and weights", 4, DELTAS, lambda g: draw(g, [3, 5], [-1.0, 0.5], [2.0, 1.0])),
    ("the preset deltas, one adapter", 4, DELTAS, lambda g: draw(g, [4], [2.0])),
    ("a cluster that cancels exactly", 2, {}, lambda g: opposed(g, 0.0)),
    ("a cluster that cancels to below 1e-4", 2, {}, lambda g: opposed(g, 2.0**-14)),
    ("a cluster that nearly cancels is reweighted", 2, {}, lambda g: opposed(g, 2.0**-10)),
    ("a cluster that cancels, reweight none", 2, dict(reweight="none"), lambda g: opposed(g, 2.0**-14)),
    ("a cluster that would cancel, sign line", 2, dict(sign="line"), lambda g: opposed(g, 2.0**-10)),
]

# These are compared with one another, so they start from the same numbers.
SAME_INPUT = {
    "reweight none": "reweight l2",
    "reweight linf, the default, on the same": "reweight l2",
    "output reweighting off": "reweight l2",
    "sign canonical on units flipped": "sign none on units flipped",
    "sign line on units flipped": "sign none on units flipped",
}
TRIES = {}  # which draw a case took


def has_bite(adapters, k, options, expected, gap):
    """The best clustering is certain, and a metric other than the default groups other units (but for presets)."""
    if gap is not None and gap < MIN_GAP:
        return False
    if options["metric"] == "euclidean" or DELTAS.items() <= options.items():
        return True
    plain, _ = lego(adapters, k, options | dict(metric="euclidean"))
    return [c["members"] for c in plain["clusters"]] != [c["members"] for c in expected["clusters"]]


def make_case(name, k, options, make):
    options = DEFAULTS | options
    source = SAME_INPUT.get(name, name)
    for attempt in [TRIES[source]] if source in TRIES else range(1000):
        adapters = make(np.random.default_rng([SEED, zlib.crc32(source.encode()), attempt]))
        for adapter in adapters:
            assert all((np.asarray(adapter[h], np.float32) == adapter[h]).all() for h in "AB")
        expected, gap = lego(adapters, k, options)
        if has_bite(adapters, k, options, expected, gap):
            TRIES[name] = attempt
            break
    assert name in TRIES, name
    inputs = [dict(A=a["A"].tolist(), B=a["B"].tolist(), scale=a["scale"], weight=a["weight"]) for a in adapters]
    return dict(name=name, k=k, options=options, adapters=inputs, expected=expected, gap=gap)


def main():
    assert len({case[0] for case in CASES}) == len(CASES)
    made = dict(
        by="tools/golden/lego.py",
        seed=SEED,
        python=platform.python_version(),
        numpy=np.__version__,
        sklearn=sklearn.__version__,
    )
    cases = [make_case(*case) for case in CASES]
    body = ",\n".join("    " + json.dumps(case, allow_nan=False) for case in cases)  # one case a line; floats by repr
    OUT.write_text('{\n  "made": ' + json.dumps(made) + ',\n  "cases": [\n' + body + "\n  ]\n}\n")
    for case in cases:
        sizes = [len(c["members"]) for c in case["expected"]["clusters"]]
        print(f"{case['name']:55s} k {case['k']:2d} kEff {case['expected']['kEff']} sizes {sizes} gap {case['gap']}")


if __name__ == "__main__":
    main()
