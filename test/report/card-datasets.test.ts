import { describe, expect, it } from "vitest";
import { cardDatasets } from "../../src/report/card-datasets.ts";

const datasetsOf = (...cards: (string | null)[]): Promise<string[]> =>
  cardDatasets(cards.map((card) => async () => (card === null ? null : new TextEncoder().encode(card))));

describe("the datasets of cards", () => {
  it("are those of their front matter, sorted, each once", async () => {
    const one = "---\nlicense: mit\ndatasets:\n- glue\n- squad\n---\n# A card";
    expect(await datasetsOf(one, "---\r\ndatasets: alpaca\r\n---\r\n", one, null)).toEqual(["alpaca", "glue", "squad"]);
  });

  it("leave out what is no name, and are 100 at most", async () => {
    expect(await datasetsOf('---\ndatasets: [b, 3, "", null, a]\n---\n')).toEqual(["a", "b"]);
    const many = Array.from({ length: 101 }, (_, i) => `d${String(i).padStart(3, "0")}`);
    expect(await datasetsOf(`---\ndatasets: [${many.toReversed().join()}]\n---\n`)).toEqual(many.slice(0, 100));
  });

  it("are read from cards of up to a megabyte", async () => {
    const asked: [string, number][] = [];
    await cardDatasets([
      async (name, most) => {
        asked.push([name, most]);
        return null;
      },
    ]);
    expect(asked).toEqual([["README.md", 2 ** 20]]);
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
