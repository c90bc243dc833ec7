import type { AdapterCard } from "../../src/browser/explorer.ts";
import { refusal } from "../state/merge.ts";

/** Where an author keeps a base model does not matter, nor how its own name is written: its letters and digits do. */
const ownName = (base: string): string =>
  base
    .split("/")
    .at(-1)!
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "");

/** The base models that adapters name, where they are several. */
export function severalBases(adapters: readonly { readonly card: AdapterCard }[]): readonly string[] {
  const bases = adapters.flatMap(({ card }) => card.baseModel ?? []);
  return new Set(bases.map(ownName)).size < 2 ? [] : [...new Set(bases)];
}

/** A warning as soon as adapters of two base models are open; where a merge of them is refused, that says what to do. */
export function BasesWarning({ adapters }: { adapters: readonly { readonly card: AdapterCard }[] }) {
  const bases = severalBases(adapters);
  if (bases.length === 0) return null;
  return (
    <p class="note" role="alert">
      These adapters name different base models ({bases.join(", ")}).
      {refusal.value === null && " Merge only adapters of one base."}
    </p>
  );
}
