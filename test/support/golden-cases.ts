import { readFileSync } from "node:fs";
import type { Factors } from "./pools.ts";

/** What another program made of adapters by one method. */
interface Expected {
  readonly method: string;
  readonly options: object;
}

/** One merge of a golden file, with its name. */
export interface GoldenMerge<Case> {
  readonly name: string;
  readonly adapters: readonly Required<Factors>[];
  readonly expected: Case;
}

/** Adapters, and what was made of them. */
export interface GoldenGroup<Case> {
  readonly name: string;
  readonly adapters: readonly Required<Factors>[];
  readonly merged: readonly Case[];
}

/** The groups of a file of test/golden. */
export function goldenGroups<Case>(file: string): readonly GoldenGroup<Case>[] {
  const text = readFileSync(new URL(`../golden/${file}`, import.meta.url), "utf8");
  return (JSON.parse(text) as { readonly groups: readonly GoldenGroup<Case>[] }).groups;
}

/** All merges of some groups. */
export function goldenCases<Case extends Expected>(groups: readonly GoldenGroup<Case>[]): GoldenMerge<Case>[] {
  return groups.flatMap(({ name, adapters, merged }) =>
    merged.map((expected) => ({
      name: `${name}: ${expected.method} ${JSON.stringify(expected.options)}`,
      adapters,
      expected,
    })),
  );
}
