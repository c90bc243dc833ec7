import { type Begin, ownMemory } from "./own-memory.ts";

/**
 * Clustering of points by their inner products in WebAssembly. A state is a block of u32 words, numbers and the addresses of its arrays,
 * in the order of the fields that kernels/assembly/ward.ts and moves.ts give it.
 */
export interface ClusterFunctions {
  agglomerate(state: number, first: number, second: number, turn: number): void;
  assign(state: number): void;
  settle(state: number): void;
  swap(state: number, gone: number, seed: number): void;
  swapTerms(state: number, own: number, loss: number, gain: number): void;
}

/** The functions of clustering, with an arena that is empty again at every call. */
export const beginClusters: Begin<ClusterFunctions> = ownMemory();
