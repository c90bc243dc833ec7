import { describe, expect, it } from "vitest";
import { METHODS } from "../../src/methods/registry.ts";
import { run } from "./run.ts";

describe.concurrent("lora-lego methods", () => {
  it("lists every registered method with its rank rule and parameters", async () => {
    const { code, stdout, stderr } = await run(["methods"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(
      /^auto \(default\): by the number of adapters: 1: svd; 2 and more: tsv with a computed factor; beyond 4096 units in a module: lego\n\nlego: /,
    );
    for (const { id, title, reference } of METHODS) expect(stdout).toContain(`${id}: ${title}\n  ${reference}\n`);
    expect(stdout).toMatch(
      /^lego: .*\n.*\n {2}rank: the geometric mean of the input ranks; any other is reached by clustering$/m,
    );
    expect(stdout).toMatch(
      /^cat: .*\n.*\n {2}rank: the sum of the ranks; any other is reached by cutting singular values$/m,
    );
    expect(stdout).toMatch(/^ {2}--gauge +raw\|balanced\|svd +raw +units as stored/m);
    expect(stdout).toMatch(/^ {2}--output-reweight +on\|off +on +multiply/m);
    expect(stdout).toMatch(/^ {2}--seed +integer +0 +seed of the search$/m);
  });

  it("gives the same as JSON", async () => {
    const { code, stdout, stderr } = await run(["methods", "--json"]);
    expect([code, stderr]).toEqual([0, ""]);
    const listed: { id: string }[] = JSON.parse(stdout);
    expect(listed.map(({ id }) => id)).toEqual(METHODS.map(({ id }) => id));
    expect(listed.find(({ id }) => id === "lego")).toMatchObject({
      reference: expect.stringContaining("2409.16167"),
      dependsOn: "factors",
      weights: "relative",
      rank: "the geometric mean of the input ranks",
      cut: "clusters",
      parameters: expect.arrayContaining([
        {
          name: "metric",
          type: "choice",
          choices: ["euclidean", "delta", "cosine", "manhattan", "transport"],
          default: "euclidean",
          description: expect.any(String),
        },
        { name: "outputReweight", type: "boolean", choices: null, default: true, description: expect.any(String) },
        { name: "effort", type: "number", choices: null, default: 1, description: expect.any(String) },
      ]),
    });
    expect(listed.find(({ id }) => id === "cat")).toMatchObject({ dependsOn: "delta", parameters: [] });
  });
});
