import type { AdapterCard } from "../../src/browser/explorer.ts";

/** Where an author keeps a base model does not matter, nor how its own name is written: its letters and digits do. */
const ownName = (base: string): string =>
  base
    .split("/")
    .at(-1)!
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "");

/** A warning as soon as adapters of two base models are open. */
export function BasesWarning({ adapters }: { adapters: readonly { readonly card: AdapterCard }[] }) {
  const bases = adapters.flatMap(({ card }) => card.baseModel ?? []);
  if (new Set(bases.map(ownName)).size < 2) return null;
  return (
    <p class="note" role="alert">
      These adapters name different base models ({[...new Set(bases)].join(", ")}). Merge only adapters of one base.
    </p>
  );
}
