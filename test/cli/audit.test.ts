import { readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { auditAdapters } from "../../src/node/audit-adapters.ts";
import { auditMerged } from "../../src/node/audit-merged.ts";
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
    const { code, stdout } = await run(["audit", written("third", 3)]);
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^Nothing was found that speaks against merging them\.$/m),
    ]);
  });

  it("says how many adapters name the base, and where nothing shows one seed", async () => {
    const nameless = writeAdapter(
      join(folder, "nameless"),
      randomAdapter(7, { config: { base_model_name_or_path: null } }),
    );
    const { stdout } = await run(["audit", written("named", 8), nameless]);
    expect(stdout).toMatch(/^2 adapters, base pico \(named by 1\), 2 modules, /m);
    expect(stdout).toMatch(/^random A at the start: no sign of one seed \(rows of A have cosine -?\d\.\d\d\)$/m);
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

describe.concurrent("lora-lego audit --of", () => {
  const merged = async (...flags: string[]): Promise<string> => {
    const out = join(tempFolder(), "merged");
    expect((await run(["merge", ...SEVEN, ...flags, "--out", out, "--report", join(out, "report.json")])).code).toBe(0);
    return out;
  };

  it("finds nothing in a merge by auto, within 80 columns", async () => {
    const { code, stdout, stderr } = await run(["audit", await merged(), "--of", ...SEVEN]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(lines(stdout).filter((line) => line.length > 80)).toEqual([]);
    expect(stdout).toMatch(/^merged: 28 modules, rank 6 \(effective rank 5\.9\), norm ratio 1\.345, energy 0\.363$/m);
    expect(stdout).toMatch(/^cola +1 +0\.11 +17%$/m);
    expect(stdout).toMatch(/^ok +rank-too-low +rank 6 can hold 97% of the sum's energy \(least 90%\)$/m);
    expect(stdout).toMatch(/^not looked at: clusters \(the method does not cluster\)$/m);
  });

  it("names what is wrong with LEGO at the rank of one of seven adapters, with its remedies", async () => {
    const out = await merged("--method", "lego");
    const { code, stdout } = await run(["audit", out, "--of", ...SEVEN]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^FOUND +mixed-clusters +purity 18%, 0\.54 times chance's \(least 0\.75\)$/m);
    expect(stdout).toMatch(/^ {8}merge again with --rank 12, or by --method auto$/m);
    expect(stdout).toMatch(/^FOUND +scale-too-small +the adapters ask for factor 1\.493 \(most 1\.33\)$/m);
    expect(stdout).toMatch(/^ {8}lora-lego merge \S+merged --method cat --scale 1\.493 --out DIR$/m);
    const json = await run(["audit", out, "--of", ...SEVEN, "--json"]);
    expect([json.code, JSON.parse(json.stdout)]).toEqual([
      1,
      JSON.parse(JSON.stringify(await auditMerged(out, { of: SEVEN }))),
    ]);
  });

  it("is mended by its own remedy", async () => {
    const out = await merged("--method", "lego", "--rank", "12");
    expect((await run(["audit", out, "--of", ...SEVEN])).code).toBe(0);
  });

  it("takes one merged adapter, and adapters that it was made of", async () => {
    const two = await run(["audit", SEVEN[0]!, SEVEN[1]!, "--of", SEVEN[2]!]);
    expect([two.code, two.stderr]).toEqual([
      2,
      "error: --of looks at one merged adapter, but 2 are named before it; name one.\n",
    ]);
    expect((await run(["audit", SEVEN[0]!, "--of"])).code).toBe(2);
    expect((await run(["audit", "--of", ...SEVEN])).code).toBe(2);
  });
});

describe("docs/audit.md", () => {
  const blocks = [...readFileSync("docs/audit.md", "utf8").matchAll(/^```\n(.*?)```$/gms)].map(([, block]) => block!);
  const words = (line: string): string[] => line.trim().split(" ").slice(1);

  it("shows what its first command prints", async () => {
    const [command, printed] = blocks;
    const { code, stdout } = await run(words(command!), { cwd: LLAMA });
    expect([code, stdout]).toEqual([0, printed]);
  });

  it("shows what is found in a merge", async () => {
    const [commands, printed] = blocks.slice(2);
    const cwd = tempFolder();
    for (const task of readdirSync(LLAMA)) symlinkSync(resolve(LLAMA, task), join(cwd, task));
    const [merge, audit] = lines(commands!).map(words);
    expect((await run(merge!, { cwd })).code).toBe(0);
    const { code, stdout } = await run(audit!, { cwd });
    expect([code, stdout]).toEqual([1, printed]);
  });
});
