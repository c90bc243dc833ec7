import type { GramPoints, Partition } from "./points.ts";

/** A move must lower the objective by more than this share of w_i G_ii, or rounding could cause cycles. */
const LEAST_GAIN = 1e-9;

/**
 * A k-means state over points in Gram space that improves by single-point moves (Hartigan and Wong 1979) and can be copied
 * from another state. Never leaves a cluster empty.
 *
 * Every cluster stores the time of its last change, and every point the time it was last checked. A settled state that
 * changes in few clusters therefore settles again by checking only those.
 */
export class KMeans {
  readonly k: number;
  readonly labels: Int32Array;
  readonly signs: Int8Array;
  readonly #n: number;
  readonly #gram: Float64Array;
  readonly #weights: Float64Array;
  readonly #line: boolean;
  /** (k, n): inner product of the weighted sum of cluster c with point i. */
  readonly #inner: Float64Array;
  /** Per cluster: |weighted sum|^2, total weight, number of points. */
  readonly #square: Float64Array;
  readonly #mass: Float64Array;
  readonly #size: Int32Array;
  #now = 1;
  readonly #changed: Int32Array;
  readonly #looked: Int32Array;
  /** Clusters, the most recently changed first. */
  readonly #recent: Int32Array;

  constructor({ count, gram, weights, line }: GramPoints, k: number) {
    this.k = k;
    this.labels = new Int32Array(count);
    this.signs = new Int8Array(count).fill(1);
    this.#n = count;
    this.#gram = gram;
    this.#weights = weights;
    this.#line = line;
    this.#inner = new Float64Array(k * count);
    this.#square = new Float64Array(k);
    this.#mass = new Float64Array(k);
    this.#size = new Int32Array(k);
    this.#changed = new Int32Array(k);
    this.#looked = new Int32Array(count);
    this.#recent = Int32Array.from({ length: k }, (_, c) => c);
  }

  /** Load a partition into this.k clusters. */
  assign({ labels, signs }: Pick<Partition, "labels" | "signs">): void {
    this.#inner.fill(0);
    this.#square.fill(0);
    this.#mass.fill(0);
    this.#size.fill(0);
    for (let i = 0; i < this.#n; i++) this.#add(i, labels[i]!, signs[i]!);
  }

  /** Copy another state of the same points and k. */
  copy(other: KMeans): void {
    this.labels.set(other.labels);
    this.signs.set(other.signs);
    this.#inner.set(other.#inner);
    this.#square.set(other.#square);
    this.#mass.set(other.#mass);
    this.#size.set(other.#size);
    this.#now = other.#now;
    this.#changed.set(other.#changed);
    this.#looked.set(other.#looked);
    this.#recent.set(other.#recent);
  }

  /** sum_i w_i |x_i - m_c(i)|^2 without the constant sum_i w_i G_ii: lower is better, never positive. */
  get objective(): number {
    let total = 0;
    for (let c = 0; c < this.k; c++) total -= this.#square[c]! / this.#mass[c]!;
    return total;
  }

  /** Number of points in the cluster of point i. */
  companions(i: number): number {
    return this.#size[this.labels[i]!]!;
  }

  /** Squared distance of point i to the mean of cluster c. */
  distance(i: number, c: number): number {
    const mass = this.#mass[c]!;
    const product = this.#inner[c * this.#n + i]!;
    return (
      this.#gram[i * this.#n + i]! + (this.#square[c]! / mass - 2 * (this.#line ? Math.abs(product) : product)) / mass
    );
  }

  /** Move single points, in order and in rounds, until no move gains. */
  settle(): void {
    const n = this.#n;
    const inner = this.#inner;
    const square = this.#square;
    const mass = this.#mass;
    const line = this.#line;
    const changed = this.#changed;
    const looked = this.#looked;
    const recent = this.#recent;
    for (let i = 0, still = 0; still < n; i = i + 1 === n ? 0 : i + 1) {
      const c = this.labels[i]!;
      still++;
      if (this.#size[c] === 1) continue;
      const since = changed[c]! > looked[i]! ? 0 : looked[i]!;
      looked[i] = this.#now;
      if (changed[recent[0]!]! <= since) continue;
      const w = this.#weights[i]!;
      const own = this.#gram[i * n + i]!;
      // The point's cost in its cluster, measured against the mean of the others.
      const restMass = mass[c]! - w;
      const signed = this.signs[i]! * inner[c * n + i]!;
      const restSquare = square[c]! - 2 * w * signed + w * w * own;
      const restInner = signed - w * own; // with its current sign
      const factor = (w * restMass) / mass[c]!;
      const base = own + restSquare / (restMass * restMass);
      const here = factor * (base - (2 * restInner) / restMass);
      let best = line && restInner < 0 ? factor * (base + (2 * restInner) / restMass) : here;
      let target = c;
      for (let x = 0; x < recent.length; x++) {
        const d = recent[x]!;
        if (changed[d]! <= since) break;
        if (d === c) continue;
        const total = mass[d]!;
        const product = line ? Math.abs(inner[d * n + i]!) : inner[d * n + i]!;
        const there = ((w * total) / (total + w)) * (own + (square[d]! / total - 2 * product) / total);
        if (there < best) {
          best = there;
          target = d;
        }
      }
      // Written so that NaN counts as no gain; else the loop would never end.
      if (!(here - best > LEAST_GAIN * w * own)) continue;
      this.#remove(i);
      this.#add(i, target, this.#signAt(i, target));
      still = 0;
    }
  }

  /** Dissolve cluster `gone` into its members' nearest clusters and restart it at point `seed`, which must not be alone elsewhere. */
  swap(gone: number, seed: number): void {
    const members: number[] = [];
    for (let i = 0; i < this.#n; i++) if (this.labels[i] === gone && i !== seed) members.push(i);
    for (const i of members) this.#remove(i);
    if (this.labels[seed] !== gone) {
      this.#remove(seed);
      this.#clear(gone);
      this.#add(seed, gone, 1);
    }
    for (const i of members) {
      let target = 0;
      let least = Number.POSITIVE_INFINITY;
      for (let c = 0; c < this.k; c++) {
        const value = this.distance(i, c);
        if (value < least) {
          least = value;
          target = c;
        }
      }
      this.#add(i, target, this.#signAt(i, target));
    }
  }

  #add(i: number, c: number, sign: number): void {
    const n = this.#n;
    const w = this.#weights[i]!;
    this.#square[c]! += 2 * w * sign * this.#inner[c * n + i]! + w * w * this.#gram[i * n + i]!;
    this.#mass[c]! += w;
    this.#size[c]!++;
    this.labels[i] = c;
    this.signs[i] = sign;
    this.#shift(i, c, w * sign);
  }

  #remove(i: number): void {
    const n = this.#n;
    const c = this.labels[i]!;
    const w = this.#weights[i]!;
    const sign = this.signs[i]!;
    this.#square[c]! += w * w * this.#gram[i * n + i]! - 2 * w * sign * this.#inner[c * n + i]!;
    this.#mass[c]! -= w;
    this.#size[c]!--;
    this.#shift(i, c, -w * sign);
  }

  /** Add `amount` times point i to the sum of cluster c, and mark the cluster as changed now. */
  #shift(i: number, c: number, amount: number): void {
    const n = this.#n;
    const inner = this.#inner;
    const gram = this.#gram;
    for (let cell = c * n, row = i * n, end = row + n; row < end; cell++, row++) inner[cell]! += amount * gram[row]!;
    this.#changed[c] = ++this.#now;
    const recent = this.#recent;
    let displaced = recent[0]!;
    recent[0] = c;
    for (let at = 1; displaced !== c; at++) {
      const next = recent[at]!;
      recent[at] = displaced;
      displaced = next;
    }
  }

  /** An emptied cluster holds rounding residues; a new one must start from zero. */
  #clear(c: number): void {
    this.#square[c] = 0;
    this.#mass[c] = 0;
    this.#inner.fill(0, c * this.#n, (c + 1) * this.#n);
  }

  #signAt(i: number, c: number): number {
    return this.#line && this.#inner[c * this.#n + i]! < 0 ? -1 : 1;
  }
}
