// Ward's agglomeration of weighted points by their inner products (src/linalg/ward.ts says what the tree means).

/** The remaining clusters while the tree grows; arrays by their addresses. */
// @ts-ignore: decorator
@unmanaged
class Agglomeration {
  n: usize;
  line: u32;
  /** (n, n) f64 inner products of the clusters' means, their squared norms and weights. */
  product: usize;
  square: usize;
  mass: usize;
  /** u32: the remaining clusters, ascending. */
  active: usize;
  /** u32: each cluster's nearest cluster of higher index; f64: the cost of merging the two. */
  nearest: usize;
  cost: usize;
}

/** What it costs to merge two clusters. */
// @ts-ignore: decorator
@inline
function costOf(state: Agglomeration, c: usize, d: usize): f64 {
  const w = load<f64>(state.mass + (c << 3)), v = load<f64>(state.mass + (d << 3));
  const inner = load<f64>(state.product + ((c * state.n + d) << 3));
  const squares = load<f64>(state.square + (c << 3)) + load<f64>(state.square + (d << 3));
  return ((w * v) / (w + v)) * (squares - 2 * (state.line ? abs(inner) : inner));
}

/** Scan the active clusters after position x for the one nearest to the cluster at x; where no cost is a number, that is the next one. */
function findNearest(state: Agglomeration, x: usize, live: usize): void {
  const active = state.active;
  const c: usize = load<u32>(active + (x << 2));
  let best = Infinity;
  let at: u32 = x + 1 < live ? load<u32>(active + ((x + 1) << 2)) : 0;
  for (let y = x + 1; y < live; y++) {
    const d: usize = load<u32>(active + (y << 2));
    const value = costOf(state, c, d);
    if (value < best) {
      best = value;
      at = u32(d);
    }
  }
  store<u32>(state.nearest + (c << 2), at);
  store<f64>(state.cost + (c << 3), best);
}

/** Position of the cluster whose merge with its nearest costs least. */
function cheapest(state: Agglomeration, live: usize): usize {
  let place: usize = 0;
  let least = load<f64>(state.cost + (usize(load<u32>(state.active)) << 3));
  for (let x: usize = 1; x < live; x++) {
    const cost = load<f64>(state.cost + (usize(load<u32>(state.active + (x << 2))) << 3));
    if (cost < least) {
      least = cost;
      place = x;
    }
  }
  return place;
}

/** Take a cluster out of the active ones. @returns its place */
function leave(state: Agglomeration, gone: usize, live: usize): usize {
  let place: usize = 0;
  while (load<u32>(state.active + (place << 2)) != u32(gone)) place++;
  for (let x = place + 1; x < live; x++) {
    store<u32>(state.active + ((x - 1) << 2), load<u32>(state.active + (x << 2)));
  }
  return place;
}

/** Merge the cluster at `place` with its nearest; returns the sign applied to the nearest one's members. */
function join(state: Agglomeration, place: usize, live: usize): i32 {
  const n = state.n, product = state.product, square = state.square, mass = state.mass, active = state.active;
  const keep: usize = load<u32>(active + (place << 2));
  const gone: usize = load<u32>(state.nearest + (keep << 2));
  const inner = load<f64>(product + ((keep * n + gone) << 3));
  const sign: i32 = state.line && inner < 0 ? -1 : 1;
  const kept = load<f64>(mass + (keep << 3)), lost = load<f64>(mass + (gone << 3));
  const total = kept + lost;
  const p = kept / total, q = (f64(sign) * lost) / total;
  const ks = square + (keep << 3);
  store<f64>(ks, p * p * load<f64>(ks) + q * q * load<f64>(square + (gone << 3)) + 2 * p * q * inner);
  store<f64>(mass + (keep << 3), total);
  const gonePlace = leave(state, gone, live);
  const left = live - 1;
  for (let x: usize = 0; x < left; x++) {
    const e: usize = load<u32>(active + (x << 2));
    const at = product + ((keep * n + e) << 3);
    const mean = p * load<f64>(at) + q * load<f64>(product + ((gone * n + e) << 3));
    store<f64>(at, mean);
    store<f64>(product + ((e * n + keep) << 3), mean);
  }
  findNearest(state, place, left);
  for (let x: usize = 0; x < gonePlace; x++) {
    const e: usize = load<u32>(active + (x << 2));
    if (e == keep) continue;
    const near: usize = load<u32>(state.nearest + (e << 2));
    if (near == keep || near == gone) findNearest(state, x, left);
    else if (x < place) {
      const value = costOf(state, e, keep);
      const cost = load<f64>(state.cost + (e << 3));
      if (value < cost || (value == cost && keep < near)) {
        store<u32>(state.nearest + (e << 2), u32(keep));
        store<f64>(state.cost + (e << 3), value);
      }
    }
  }
  return sign;
}

/** The tree's n - 1 merges; all clusters are active at the start, and nothing is known of their nearest ones. */
export function agglomerate(at: usize, first: usize, second: usize, turn: usize): void {
  const state = changetype<Agglomeration>(at);
  const n = state.n;
  for (let x: usize = 0; x < n; x++) findNearest(state, x, n);
  for (let m: usize = 0; m + 1 < n; m++) {
    const place = cheapest(state, n - m);
    const keep: usize = load<u32>(state.active + (place << 2));
    store<u32>(first + (m << 2), u32(keep));
    store<u32>(second + (m << 2), load<u32>(state.nearest + (keep << 2)));
    store<i32>(turn + (m << 2), join(state, place, n - m));
  }
}
