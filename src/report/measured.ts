/** What was measured about a choice. */
export interface Measured {
  /** Figures, as text; each stands in the section that the link leads to. */
  readonly text: string;
  /** A heading in the documentation of lora-lego. */
  readonly link: string;
}

type MeasuredId =
  | "one"
  | "auto"
  | "autoPretrained"
  | "shortOfRanks"
  | "sharedStart"
  | "startsApart"
  | "twoAdapters"
  | "ranksDiffer";

/** The measurements that recommendations rest on. */
export const MEASURED: Readonly<Record<MeasuredId, Measured>> = {
  one: {
    text: "one adapter alone comes back unchanged at its own rank",
    link: "docs/methods/svd.md",
  },
  auto: {
    text: "seven adapters of two small models: 95.1% and 95.9%, the best of all methods 95.1% and 96.3%",
    link: "docs/evidence.md#a-factor-without-data",
  },
  autoPretrained: {
    text: "seven adapters of a pretrained encoder: 65.4%, the best of eight methods 65.7%",
    link: "docs/evidence-real.md#every-set",
  },
  shortOfRanks: {
    text: "seven adapters, best factor: 94.6% and 96.3% at rank 6, 95.5% and 95.9% at rank 12; cola on the first, 87.0% and 91.8%",
    link: "docs/evidence.md#every-method",
  },
  sharedStart: {
    text: "seven adapters of one seed: 87.9% and 89.0% at rank 6, 94.1% and 91.6% at rank 12",
    link: "docs/evidence.md#the-rank-of-the-result",
  },
  startsApart: {
    text: "seven adapters of three seeds: 91.9% and 92.7% at rank 6, 90.9% and 91.4% at rank 12",
    link: "docs/evidence.md#same-seed-and-different-seeds",
  },
  twoAdapters: {
    text: "two adapters of two models: 95.5% and 96.2% at rank 6, 96.8% and 94.3% at rank 12, which keeps every unit",
    link: "docs/evidence.md#by-the-number-of-adapters-on-the-dev-rows",
  },
  ranksDiffer: {
    text: "seven adapters of ranks 2 to 32, two models: 90.3% and 91.3% at rank 6, 84.1% and 89.4% at rank 32",
    link: "docs/evidence.md#by-the-number-of-adapters-on-the-dev-rows",
  },
};
