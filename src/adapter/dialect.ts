import type { ByteSource } from "../core/bytes.ts";
import type { BaseFiles } from "./base-layers.ts";
import type { ReadAdapter, TensorRef } from "./read-adapter.ts";

/** An adapter's files with their headers read, before their tensors are interpreted. */
export interface AdapterContents {
  /** What messages call the adapter. */
  readonly name: string;
  readonly files: readonly ByteSource[];
  readonly tensors: ReadonlyMap<string, TensorRef>;
  /** Text metadata of the weights' file. */
  readonly metadata: ReadonlyMap<string, string>;
  /** adapter_config.json, where there is one. */
  readonly config: AdapterText | null;
  /** config.json of the base model, where the user gave it. */
  readonly baseConfig: AdapterText | null;
  /** The base model's weights, where the user gave them. */
  readonly base: BaseFiles | null;
}

/** A text, and what messages call its file. */
export interface AdapterText {
  readonly text: string;
  readonly where: string;
}

/** One way of naming and laying out an adapter's tensors. */
export interface Dialect {
  /** What messages and tables call it. */
  readonly title: string;
  /** Whether only this dialect has a tensor of this name. */
  recognises(key: string): boolean;
  /**
   * Interpret the tensors as modules; only scalar values are read.
   *
   * @throws FormatError when keys, shapes and settings contradict each other; RefusedError for tensors whose meaning is not known
   */
  read(contents: AdapterContents): Promise<ReadAdapter>;
}
