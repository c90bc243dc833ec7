/** What the types of recipes refuse and take; `tsc` checks it, nothing runs it. */
import type { Recipe } from "../../src/recipe/recipe.ts";

declare module "../../src/methods/method-options.ts" {
  interface MethodOptions {
    from_outside: { readonly strength: number };
  }
}

export const taken: Recipe[] = [
  {},
  { method: "auto", target: { kind: "rank", rank: 4 } },
  { method: "lego", options: { gauge: "svd", seed: 1 }, dtype: "f16" },
  { method: "cat", target: { kind: "rank", rank: 4 } },
  { method: "from_outside", options: { strength: 1 }, weights: [1, 2] },
];

export const refused: Recipe[] = [
  // @ts-expect-error there is no such method
  { method: "legoo" },
  // @ts-expect-error an option that is mistyped
  { method: "lego", options: { gaugee: 1 } },
  // @ts-expect-error an option without its method
  { options: { gauge: "svd" } },
  // @ts-expect-error an option of another method
  { method: "ties", options: { gauge: "raw" } },
  // @ts-expect-error an option of a method that has none
  { method: "cat", options: { density: 0.5 } },
  // @ts-expect-error a word that is no choice
  { method: "lego", options: { gauge: "balancd" } },
  // @ts-expect-error a field that is mistyped
  { method: "cat", weigths: [1] },
  // @ts-expect-error an option of a method from outside that is mistyped
  { method: "from_outside", options: { strenght: 1 } },
];
