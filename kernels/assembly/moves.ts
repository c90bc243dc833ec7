// k-means by moves of single points, known by their inner products (src/linalg/k-means.ts says what each function means).

/** A move must lower the objective by more than this share of w_i G_ii, or rounding could cause cycles. */
// @ts-ignore: decorator
@inline const LEAST_GAIN: f64 = 1e-9;

/** A state; arrays by their addresses, f64 unless they say otherwise. */
// @ts-ignore: decorator
@unmanaged
class State {
  n: usize;
  k: usize;
  line: u32;
  /** (n, n) inner products of the points, and their weights. */
  gram: usize;
  weights: usize;
  /** (k, n): inner product of the weighted sum of cluster c with point i. */
  inner: usize;
  /** Per cluster: |weighted sum|^2, total weight, the first by the second; u32: number of points. */
  square: usize;
  mass: usize;
  spread: usize;
  size: usize;
  /** u32: the time; when each cluster changed last; the clusters, the most recently changed first; when each point was checked last. */
  now: usize;
  changed: usize;
  recent: usize;
  looked: usize;
  /** Per point: its cluster (u32); its sign in the cluster's sum, 1 or -1; room for a list of points (u32). */
  labels: usize;
  signs: usize;
  members: usize;
}

// @ts-ignore: decorator
@inline
function f(array: usize, index: usize): f64 {
  return load<f64>(array + (index << 3));
}

// @ts-ignore: decorator
@inline
function u(array: usize, index: usize): u32 {
  return load<u32>(array + (index << 2));
}

// @ts-ignore: decorator
@inline
function gramAt(state: State, i: usize, j: usize): f64 {
  return f(state.gram, i * state.n + j);
}

// @ts-ignore: decorator
@inline
function innerAt(state: State, c: usize, i: usize): f64 {
  return f(state.inner, c * state.n + i);
}

/** Note |sum|^2 and the weight of cluster c, add `amount` times point i to its sum, and mark it as changed now. */
function shift(state: State, i: usize, c: usize, amount: f64, square: f64, mass: f64): void {
  store<f64>(state.square + (c << 3), square);
  store<f64>(state.mass + (c << 3), mass);
  store<f64>(state.spread + (c << 3), square / mass);
  const n = state.n;
  let cell = state.inner + ((c * n) << 3), row = state.gram + ((i * n) << 3);
  const factor = f64x2.splat(amount);
  for (const end = row + ((n & ~1) << 3); row < end; cell += 16, row += 16) {
    v128.store(cell, f64x2.add(v128.load(cell), f64x2.mul(factor, v128.load(row))));
  }
  if (n & 1) store<f64>(cell, load<f64>(cell) + amount * load<f64>(row));
  const now = load<u32>(state.now) + 1;
  store<u32>(state.now, now);
  store<u32>(state.changed + (c << 2), now);
  let at = state.recent, displaced = load<u32>(at);
  store<u32>(at, u32(c));
  while (displaced != u32(c)) {
    at += 4;
    const next = load<u32>(at);
    store<u32>(at, displaced);
    displaced = next;
  }
}

function add(state: State, i: usize, c: usize, sign: f64): void {
  const w = f(state.weights, i);
  const square = f(state.square, c) + (2 * w * sign * innerAt(state, c, i) + w * w * gramAt(state, i, i));
  store<u32>(state.size + (c << 2), u(state.size, c) + 1);
  store<u32>(state.labels + (i << 2), u32(c));
  store<f64>(state.signs + (i << 3), sign);
  shift(state, i, c, w * sign, square, f(state.mass, c) + w);
}

function remove(state: State, i: usize): void {
  const c: usize = u(state.labels, i);
  const w = f(state.weights, i);
  const sign = f(state.signs, i);
  const square = f(state.square, c) + (w * w * gramAt(state, i, i) - 2 * w * sign * innerAt(state, c, i));
  store<u32>(state.size + (c << 2), u(state.size, c) - 1);
  shift(state, i, c, -w * sign, square, f(state.mass, c) - w);
}

/** Add point i to cluster c with the sign that brings it nearer. */
// @ts-ignore: decorator
@inline
function addNearer(state: State, i: usize, c: usize): void {
  add(state, i, c, state.line && innerAt(state, c, i) < 0 ? -1 : 1);
}

/** An emptied cluster holds rounding residues; a new one must start from zero. */
function clear(state: State, c: usize): void {
  store<f64>(state.square + (c << 3), 0);
  store<f64>(state.mass + (c << 3), 0);
  memory.fill(state.inner + ((c * state.n) << 3), 0, state.n << 3);
}

/** Squared distance of point i to the mean of cluster c. */
// @ts-ignore: decorator
@inline
function distance(state: State, i: usize, c: usize): f64 {
  const product = innerAt(state, c, i);
  return gramAt(state, i, i) + (f(state.spread, c) - 2 * (state.line ? abs(product) : product)) / f(state.mass, c);
}

/** Make the sums of the partition that `labels` and `signs` hold. */
export function assign(at: usize): void {
  const state = changetype<State>(at);
  for (let c: usize = 0; c < state.k; c++) {
    clear(state, c);
    store<u32>(state.size + (c << 2), 0);
  }
  for (let i: usize = 0; i < state.n; i++) add(state, i, u(state.labels, i), f(state.signs, i));
}

/** Move single points, in order and in rounds, until no move gains. */
export function settle(at: usize): void {
  const state = changetype<State>(at);
  const n = state.n, k = state.k, line = state.line, inner = state.inner;
  const mass = state.mass, spread = state.spread, changed = state.changed, recent = state.recent;
  for (let i: usize = 0, still: usize = 0; still < n; i = i + 1 == n ? 0 : i + 1) {
    const c: usize = u(state.labels, i);
    still++;
    if (u(state.size, c) == 1) continue;
    const last = u(state.looked, i);
    const since: u32 = u(changed, c) > last ? 0 : last;
    store<u32>(state.looked + (i << 2), load<u32>(state.now));
    if (u(changed, u(recent, 0)) <= since) continue;
    const w = f(state.weights, i), own = gramAt(state, i, i);
    // The point's cost in its cluster, measured against the mean of the others.
    const restMass = f(mass, c) - w;
    const signed = f(state.signs, i) * innerAt(state, c, i);
    const restSquare = f(state.square, c) - 2 * w * signed + w * w * own;
    const restInner = signed - w * own; // with its current sign
    const factor = (w * restMass) / f(mass, c);
    const base = own + restSquare / (restMass * restMass);
    const here = factor * (base - (2 * restInner) / restMass);
    let best = line && restInner < 0 ? factor * (base + (2 * restInner) / restMass) : here;
    let target = c;
    for (let x: usize = 0; x < k; x++) {
      const d: usize = u(recent, x);
      if (u(changed, d) <= since) break;
      if (d == c) continue;
      const total = f(mass, d);
      let product = f(inner, d * n + i);
      if (line) product = abs(product);
      const there = ((w * total) / (total + w)) * (own + (f(spread, d) - 2 * product) / total);
      if (there < best) {
        best = there;
        target = d;
      }
    }
    // Written so that NaN counts as no gain; else the loop would never end.
    if (!(here - best > LEAST_GAIN * w * own)) continue;
    remove(state, i);
    addNearer(state, i, target);
    still = 0;
  }
}

/** Dissolve cluster `gone` into its members' nearest clusters and restart it at point `seed`, which must not be alone elsewhere. */
export function swap(at: usize, gone: usize, seed: usize): void {
  const state = changetype<State>(at);
  let count: usize = 0;
  for (let i: usize = 0; i < state.n; i++) {
    if (u(state.labels, i) == u32(gone) && i != seed) store<u32>(state.members + (count++ << 2), u32(i));
  }
  for (let x: usize = 0; x < count; x++) remove(state, u(state.members, x));
  if (u(state.labels, seed) != u32(gone)) {
    remove(state, seed);
    clear(state, gone);
    add(state, seed, gone, 1);
  }
  for (let x: usize = 0; x < count; x++) {
    const i: usize = u(state.members, x);
    let target: usize = 0;
    let least = Infinity;
    for (let c: usize = 0; c < state.k; c++) {
      const value = distance(state, i, c);
      if (value < least) {
        least = value;
        target = c;
      }
    }
    addNearer(state, i, target);
  }
}

/**
 * What swaps promise, before moves. own[i] = squared distance of point i to its centre; loss[c] = what the members of c lose in their
 * second-nearest clusters; gain[i] = what the points nearer to i than to their centre gain there. `loss` and `gain` start at 0.
 */
export function swapTerms(at: usize, own: usize, loss: usize, gain: usize): void {
  const state = changetype<State>(at);
  const n = state.n;
  for (let i: usize = 0; i < n; i++) {
    const home: usize = u(state.labels, i);
    const here = distance(state, i, home);
    store<f64>(own + (i << 3), here);
    let second = Infinity;
    for (let c: usize = 0; c < state.k; c++) if (c != home) second = min(second, distance(state, i, c));
    store<f64>(loss + (home << 3), f(loss, home) + f(state.weights, i) * (second - here));
  }
  for (let seed: usize = 0; seed < n; seed++) {
    const square = gramAt(state, seed, seed);
    let total: f64 = 0;
    for (let i: usize = 0; i < n; i++) {
      const product = gramAt(state, seed, i);
      const squared = gramAt(state, i, i) + square - 2 * (state.line ? abs(product) : product);
      const here = f(own, i);
      if (squared < here) total += f(state.weights, i) * (here - squared);
    }
    store<f64>(gain + (seed << 3), total);
  }
}
