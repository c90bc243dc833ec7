import type { DialectId } from "./dialects.ts";
import type { ReadAdapter } from "./read-adapter.ts";

export type { DialectId } from "./dialects.ts";
export type * from "./read-adapter.ts";

/** Names of the files that an adapter was read from. */
export interface AdapterFileNames {
  /** The weights, or the index of their shards. */
  readonly weights: string;
  readonly config: string | null;
  readonly sharded: boolean;
}

/** A LoRA adapter as its headers describe it: everything but the tensors' values. */
export interface Adapter extends ReadAdapter {
  readonly format: DialectId;
  readonly fileNames: AdapterFileNames;
}
