import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { AT_TWICE_THE_RANK } from "../../src/report/measured.ts";

interface Study {
  readonly merges: readonly {
    readonly name: string;
    readonly rank: number;
    readonly plain: { readonly seen: number };
  }[];
}

const read = (name: string): Record<string, Study> => JSON.parse(readFileSync(`docs/${name}.json`, "utf8"));
const [made, real] = [read("evidence"), read("evidence-real")];
/** Seven adapters of rank 6 and one seed, on each model: the study at their rank, and at twice. */
const MODELS: readonly (readonly [Study, Study])[] = [
  [made["ranks-llama-all"]!, made["ranks-llama-all"]!],
  [made["ranks-gpt2-all"]!, made["ranks-gpt2-all"]!],
  [real["all-6"]!, real["all-12"]!],
  [real["smollm2-6"]!, real["smollm2-12"]!],
];

it("says in how many models LEGO kept more at twice the rank of adapters of one seed", () => {
  const scored = ({ merges }: Study, at: number): number =>
    merges.find(({ name, rank }) => name === "lego" && rank === at)!.plain.seen;
  const more = MODELS.filter(([own, twice]) => scored(twice, 12) > scored(own, 6)).length;
  const words = ["no", "one", "two", "three", "four"];
  expect(AT_TWICE_THE_RANK).toBe(`kept more in ${words[more]} of ${words[MODELS.length]} models measured`);
});
