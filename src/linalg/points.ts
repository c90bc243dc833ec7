/**
 * Weighted points known only by their inner products. Everything that k-means computes (distances, centres' norms, the
 * objective) follows from the Gram matrix.
 */
export interface GramPoints {
  /** Number of points n. */
  readonly count: number;
  /** Inner products (n, n), symmetric, row-major. */
  readonly gram: Float64Array;
  /** Weight of each point, > 0. */
  readonly weights: Float64Array;
  /** Whether x and -x are the same point: distances are min(|x - y|, |x + y|), means run over sign-aligned members. */
  readonly line: boolean;
}

/** A partition of points into clusters 0..k-1, none empty. */
export interface Partition {
  /** Number of clusters k. */
  readonly k: number;
  /** Cluster of each point. */
  readonly labels: Int32Array;
  /** 1 or -1: the sign with which each point enters its cluster's mean (always 1 unless the points are lines). */
  readonly signs: Int8Array;
}
