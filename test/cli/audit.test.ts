import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { auditAdapters } from "../../src/node/audit-adapters.ts";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
import { lines, run } from "./run.ts";

const LLAMA = "examples/minibench/llama/all";
const SEVEN = ["cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst2"].map((name) => join(LLAMA, name));
let folder = "";
beforeAll(() => {
  folder = tempFolder();
});
const written = (name: string, seed: number): string => writeAdapter(join(folder, name), randomAdapter(seed));

describe.concurrent("lora-lego audit", () => {
  it("fits 80 columns and a screen, but for the commands to copy", async () => {
    const { code, stdout, stderr } = await run(["audit", ...SEVEN]);
    expect([code, stderr]).toEqual([0, ""]);
    const shown = lines(stdout);
    expect(shown.filter((line) => line.length > 80 && !/^ {2}lora-lego merge /.test(line))).toEqual([]);
    expect(shown.length).toBeLessThan(50);
    expect(shown[0]).toBe("7 adapters, base lora-lego/minibench-llama, 28 modules, 909.7 kB");
    expect(stdout).toContain("random A at the start: one for all (rows of A have cosine 0.74 to 0.86)");
    expect(stdout).toMatch(/^7 +sst2 +6 +12\.2 +11% +3\.8 +2\.2 +0 +3$/m);
    expect(stdout).toMatch(/^#5 +0\.00 +0\.04 +0\.32 +0\.31 +1\.00 +0\.13 +0\.00$/m);
    expect(stdout).toMatch(/^down_proj +4 +11% +0% +48%$/m);
    expect(stdout).toMatch(/^ {2}lora-lego merge \S+cola .*sst2 --method lego --rank 12 --out merged$/m);
  });

  it("prints what the library returns as JSON", async () => {
    const { code, stdout } = await run(["audit", SEVEN[0]!, SEVEN[1]!, "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(await auditAdapters(SEVEN.slice(0, 2)))));
  });

  it("ends with status 1 if a problem was found, as text and as JSON", async () => {
    const twice = [written("first", 1), written("second", 1)];
    const { code, stdout } = await run(["audit", ...twice]);
    expect([code, stdout]).toEqual([
      1,
      expect.stringMatching(/^problem: first and second are the same adapter, or nearly \(cosine 1\.0000\);/m),
    ]);
    const json = await run(["audit", ...twice, "--json"]);
    expect([json.code, JSON.parse(json.stdout).good]).toEqual([1, false]);
  });

  it("says so if nothing was found", async () => {
    const { code, stdout } = await run(["audit", written("third", 3), written("fourth", 4)]);
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^Nothing was found that speaks against merging them\.$/m),
    ]);
  });

  it("lists the closest pairs of many adapters instead of a wide matrix", async () => {
    const many = Array.from({ length: 12 }, (_, t) => written(`many-${t}-with-a-long-name`, 100 + t));
    const { stdout } = await run(["audit", ...many]);
    expect(stdout).toMatch(/^closest pairs +cosine$/m);
    expect(stdout).toMatch(/^many-\d+-with-a-long\S+ +many-\d+-with-a-long\S+ +-?\d\.\d\d$/m);
    expect(lines(stdout).filter((line) => line.length > 80 && !/^ {2}lora-lego merge /.test(line))).toEqual([]);
  });

  it("refuses what does not belong together in one sentence", async () => {
    const wide = writeAdapter(
      join(folder, "wide"),
      randomAdapter(1, { modules: { "layers.0.q_proj": { in: 9, out: 9 } } }),
    );
    const { code, stdout, stderr } = await run(["audit", written("narrow", 1), wide]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^error: narrow and wide adapt different bases: .*\.\n$/);
  });
});

it("docs/audit.md shows what its first command prints", async () => {
  const [, command, printed] =
    /^```\nlora-lego audit (.+)\n```\n\nIt prints, in `examples\/minibench\/llama\/all`:\n\n```\n(.*?)```/ms.exec(
      readFileSync("docs/audit.md", "utf8"),
    ) ?? [];
  const { code, stdout } = await run(["audit", ...command!.split(" ")], { cwd: LLAMA });
  expect([code, stdout]).toEqual([0, printed]);
});
