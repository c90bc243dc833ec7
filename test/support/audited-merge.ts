import { expect } from "vitest";
import type { Adapter } from "../../src/adapter/adapter.ts";
import { auditMergedAdapter, type MergedAudit, type RecordedMerge } from "../../src/analysis/audit/audit-merged.ts";
import type { Signature } from "../../src/analysis/audit/signatures.ts";
import { methodById } from "../../src/methods/registry.ts";
import { tightKernels } from "./kernels.ts";
import { openPico } from "./pico.ts";

export const near = (value: number): number => expect.closeTo(value, 6) as number;
/** The module of most of these adapters. */
export const MODULE = "layers.0.q_proj";
/** A row of four with one entry. */
export const unit = (at: number, value = 1): number[] => [0, 1, 2, 3].map((x) => (x === at ? value : 0));

/** An adapter whose delta has these values on the diagonal, by position; `module` is its only one. */
export function diagonal(
  name: string,
  values: Readonly<Record<number, number>>,
  module: string = MODULE,
): Promise<Adapter> {
  const places = Object.keys(values).map(Number);
  const A = places.map((at) => unit(at));
  const B = [0, 1, 2, 3].map((row) => places.map((at) => (row === at ? values[at]! : 0)));
  return openPico(name, { modules: { [module]: { A, B } } });
}

/** A plain sum with these weights, as a record of it tells. */
export const sum = (weights: readonly number[], rest: Partial<RecordedMerge> = {}): RecordedMerge => ({
  method: methodById("cat"),
  weights,
  weightsOf: () => weights,
  recipe: null,
  asked: null,
  clusters: null,
  unseen: [],
  mismatch: null,
  ...rest,
});

/** What an audit says of a result and the adapters that it was made of; a command is what it changes, as JSON. */
export async function audited(
  merged: Promise<Adapter>,
  adapters: readonly Promise<Adapter>[],
  recorded: RecordedMerge = sum(adapters.map(() => 1)),
): Promise<MergedAudit> {
  const command = (fix: object): string => JSON.stringify({ ...fix, why: undefined });
  return auditMergedAdapter(tightKernels(), await merged, await Promise.all(adapters), recorded, command);
}
export const signature = ({ signatures }: MergedAudit, id: Signature["id"]): Signature =>
  signatures.find((each) => each.id === id)!;
/** What its remedies change. */
export const fixesOf = ({ next }: MergedAudit): unknown[] =>
  next.flatMap(({ how }) => (how === null ? [] : JSON.parse(how)));
/** The signatures that were found. */
export const foundIn = ({ signatures }: MergedAudit): string[] =>
  signatures.filter(({ found }) => found).map(({ id }) => id);

/** Three unrelated adapters. */
export const THREE: readonly Promise<Adapter>[] = [
  diagonal("a", { 0: 1 }),
  diagonal("b", { 1: 1 }),
  diagonal("c", { 2: 1 }),
];
/** About the factor for three unrelated adapters, 1 / sqrt(4 - 1/27). */
export const GOOD = 0.5;
