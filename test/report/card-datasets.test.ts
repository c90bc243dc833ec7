import { describe, expect, it } from "vitest";
import { cardDatasets } from "../../src/report/card-datasets.ts";

const datasetsOf = (...cards: (string | null)[]): Promise<string[]> =>
  cardDatasets(cards.map((card) => async () => (card === null ? null : new TextEncoder().encode(card))));

describe("the datasets of cards", () => {
  it("are those of their front matter, sorted, each once", async () => {
    const one = "---\nlicense: mit\ndatasets:\n- glue\n- squad\n---\n# A card";
    expect(await datasetsOf(one, "---\r\ndatasets: alpaca\r\n---\r\n", one, null)).toEqual(["alpaca", "glue", "squad"]);
  });

  it.each([
    ["no front matter", "# datasets: x"],
    ["what is no YAML", "---\ndatasets: [a\n---\n"],
    ["lists as keys", `---\ndatasets:\n  ${"? ".repeat(28)}\n---\n`],
    ["a list that holds itself", "---\ndatasets: &x [*x, *x]\n---\n"],
    ["datasets that are no names", "---\ndatasets: { a: 1 }\n---\n"],
  ])("are none where a card has %s", async (_, card) => {
    expect(await datasetsOf(card)).toEqual([]);
  });
});
