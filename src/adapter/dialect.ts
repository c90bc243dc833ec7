import type { ByteSource } from "../core/bytes.ts";
import type { Adapter, DialectId, TensorRef } from "./adapter.ts";

/** An adapter's files, opened and known by their headers, before anyone says what their tensors mean. */
export interface AdapterContents {
  /** What messages call the adapter. */
  readonly name: string;
  readonly files: readonly ByteSource[];
  readonly tensors: ReadonlyMap<string, TensorRef>;
  /** Texts that the weights' file says of itself. */
  readonly metadata: ReadonlyMap<string, string>;
  /** adapter_config.json, where there is one. */
  readonly config: AdapterText | null;
  /** config.json of the base model, where the user gave it. */
  readonly baseConfig: AdapterText | null;
}

/** A text, and what messages call the file that holds it. */
export interface AdapterText {
  readonly text: string;
  readonly where: string;
}

/** What a dialect makes of an adapter's contents. */
export type ReadAdapter = Omit<Adapter, "fileNames">;

/** One way of naming and laying out an adapter's tensors. */
export interface Dialect {
  readonly id: DialectId;
  /** What messages and tables call it. */
  readonly title: string;
  /** Whether a tensor of this name is one that only this dialect has. */
  recognises(key: string): boolean;
  /**
   * Make the tensors into modules; only scalars are read.
   *
   * @throws FormatError when keys, shapes and settings contradict each other; RefusedError for tensors whose meaning is not known
   */
  read(contents: AdapterContents): Promise<ReadAdapter>;
}
