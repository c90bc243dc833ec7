/** What was measured about a choice. */
export interface Measured {
  /** What was measured, on how many tasks, and the figures; each stands in the section that the link leads to. */
  readonly text: string;
  /** A heading in the documentation of lora-lego. */
  readonly link: string;
}

type MeasuredId =
  | "one"
  | "auto"
  | "autoPretrained"
  | "roomPretrained"
  | "shortOfRanks"
  | "shortOfEnergy"
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
    text: "7 adapters of 7 tasks, two small models, rank 6, tsv with the computed factor: mean accuracy 95.1% and 95.9%; the best of all methods keeps 95.1% and 96.3%",
    link: "docs/evidence.md#a-factor-without-data",
  },
  autoPretrained: {
    text: "7 adapters of 7 tasks, a pretrained encoder, rank 6: mean accuracy 65.4%; the best of eight methods keeps 65.7%, the tasks' own adapters 74.8%, the base model 59.7%",
    link: "docs/evidence-real.md#every-set",
  },
  roomPretrained: {
    text: "7 adapters of 7 tasks, a pretrained encoder: mean accuracy 65.4% at rank 6, 66.9% at rank 12; of two tasks that none was trained on 49.4% and 47.3%",
    link: "docs/evidence-real.md#the-rank-of-the-result",
  },
  shortOfRanks: {
    text: "7 adapters of 7 tasks, two small models, tsv with the computed factor: mean accuracy 95.1% and 95.9% at rank 6, 95.6% and 95.8% at rank 12",
    link: "docs/evidence.md#the-rank-that-auto-takes",
  },
  shortOfEnergy: {
    text: "averages of 7 adapters of 7 tasks, two small models: 1.8 to 5.3 points of accuracy lost at ranks that hold 62 to 89% of it, 1.1 at most from 92% on",
    link: "docs/audit.md#why-these-limits",
  },
  sharedStart: {
    text: "7 adapters of 7 tasks, one seed, two small models, lego as merged (factor 1): mean accuracy 87.9% and 89.0% at rank 6, 94.1% and 91.6% at rank 12",
    link: "docs/evidence.md#the-rank-of-the-result",
  },
  startsApart: {
    text: "7 adapters of 7 tasks, three seeds, two small models, lego as merged: mean accuracy 91.9% and 92.7% at rank 6, 90.9% and 91.4% at rank 12",
    link: "docs/evidence.md#same-seed-and-different-seeds",
  },
  twoAdapters: {
    text: "2 adapters of 2 tasks, two small models, lego as merged: mean accuracy 95.5% and 96.2% at rank 6, 96.8% and 94.3% at rank 12, which keeps every unit",
    link: "docs/evidence.md#by-the-number-of-adapters-on-the-dev-rows",
  },
  ranksDiffer: {
    text: "7 adapters of 7 tasks, ranks 2 to 32, two small models, lego as merged: mean accuracy 90.3% and 91.3% at rank 6, 84.1% and 89.4% at rank 32",
    link: "docs/evidence.md#by-the-number-of-adapters-on-the-dev-rows",
  },
};

/** What LEGO keeps of adapters of one seed at twice their rank, beside what it keeps at their rank. */
export const AT_TWICE_THE_RANK = "kept more in three of four models measured";
