import { readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { auditAdapters } from "../../src/node/audit-adapters.ts";
import { type Nested, randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
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
    expect(stdout).toMatch(/^ {2}lora-lego merge \S+cola .*sst2 --out merged$/m);
    expect(stdout).toMatch(
      /^ {2}lora-lego merge \S+cola .*sst2 --method lego --rank 12 --report merged-2\/report\.json --out merged-2$/m,
    );
  });

  it("names outputs where nothing is yet, so that its commands run as they are", async () => {
    const cwd = tempFolder();
    const two = [written("free-1", 21), written("free-2", 22)];
    const outs = async () =>
      [...(await run(["audit", ...two], { cwd })).stdout.matchAll(/ --out (\S+)$/gm)].map(([, out]) => out);
    expect(await outs()).toEqual(["merged", "merged-2"]);
    expect((await run(["merge", ...two, "--out", "merged"], { cwd })).code).toBe(0);
    symlinkSync("nothing", join(cwd, "merged-2"));
    expect(await outs()).toEqual(["merged-3", "merged-4"]);
    expect((await run(["merge", ...two, "--out", "merged-3"], { cwd })).code).toBe(0);
  });

  it("looks at a merge that got an adapter twice", async () => {
    const cwd = tempFolder();
    const [one, other] = [written("twice-1", 31), written("twice-2", 32)];
    expect((await run(["merge", one, other, one, "--weights", "1,2,3", "--out", "twin"], { cwd })).code).toBe(0);
    const { code, stdout } = await run(["audit", "twin", "--of", other, one, one], { cwd });
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/^twice-2 +2 .*\n\S+twice-1 \(2\) +1 .*\n\S+twice-1 \(3\) +3 /m),
    ]);
    const fewer = await run(["audit", "twin", "--of", one, other], { cwd });
    expect([fewer.code, fewer.stdout]).toEqual([1, expect.stringContaining("pass those to --of")]);
  });

  it("recommends the merge that takes adapters of different modules, as compare and merge do", async () => {
    const cwd = tempFolder();
    const part = (name: string, seed: number, modules: readonly string[]) => {
      const sizes = Object.fromEntries(modules.map((own) => [own, { in: 20, out: 30 }]));
      return writeAdapter(join(cwd, name), randomAdapter(seed, { rank: 4, modules: sizes }));
    };
    const [q, v] = ["model.layers.0.self_attn.q_proj", "model.layers.0.self_attn.v_proj"] as const;
    const set = [part("both", 1, [q, v]), part("only-q", 2, [q]), part("only-v", 3, [v])];
    const { code, stdout } = await run(["audit", ...set], { cwd });
    expect([code, stdout.match(/pass --allow-partial/g)]).toEqual([1, ["pass --allow-partial"]]);
    const command = /^ {2}lora-lego (merge .* --allow-partial --out merged)$/m.exec(stdout)![1]!;
    expect((await run(command.split(" "), { cwd })).code).toBe(0);
    const refused = await run(["compare", ...set, "--methods", "svd"], { cwd });
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("pass --allow-partial")]);
    const compared = await run(["compare", ...set, "--methods", "svd", "--allow-partial"], { cwd });
    expect([compared.code, compared.stdout]).toEqual([0, expect.stringMatching(/^svd +4 /m)]);
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

  it("says what a merge says of an adapter that was made of others, and leaves it out", async () => {
    const cwd = tempFolder();
    const two = [written("made-1", 11), written("made-2", 12)];
    expect((await run(["merge", ...two, "--out", "both"], { cwd })).code).toBe(0);
    const said = "both was made of made-1, made-2 (its recipe.yaml), so made-1, made-2 count twice;";
    const { code, stdout } = await run(["audit", "both", ...two], { cwd });
    const text = stdout.replaceAll(/\s+/g, " ");
    expect([code, text]).toEqual([1, expect.stringContaining(`problem: ${said}`)]);
    expect(text).toContain("both is left out: it was made of others of these.");
    expect(stdout).toMatch(new RegExp(`^  lora-lego merge ${two.join(" ")} --out merged$`, "m"));
    const merged = await run(["merge", "both", ...two, "--out", "again"], { cwd });
    expect(merged.stderr).toContain(said);
  });

  it("says where LEGO would group units by A alone, as its merge does", async () => {
    const shrunk = (name: string, seed: number): string => {
      const { modules, ...others } = randomAdapter(seed);
      const small = (value: Nested): Nested => (typeof value === "number" ? value / 100 : value.map(small));
      const smaller = Object.entries(modules).map(([key, module]) => [key, { ...module, B: small(module.B) }]);
      return writeAdapter(join(folder, name), { ...others, modules: Object.fromEntries(smaller) });
    };
    const three = [21, 22, 23].map((seed) => shrunk(`shrunk-${seed}`, seed));
    const { stdout } = await run(["audit", ...three]);
    const [, said] =
      /If you want LoRA-LEGO: .* (B makes up \S+% of the units' squared length, .* may keep more or less\.)/.exec(
        stdout.replaceAll(/\s+/g, " "),
      )!;
    const merged = await run(["merge", ...three, "--method", "lego", "--out", join(folder, "shrunk")]);
    expect(merged.stderr).toContain(`${said} [b-ignored]`);
  });

  it("names the family of an image model in its first line, as inspect does", async () => {
    const modules = { "diffusion_model.double_blocks.0.img_attn.proj": { in: 8, out: 8 } };
    const one = writeAdapter(join(folder, "image"), randomAdapter(1, { modules }));
    expect(lines((await run(["audit", one])).stdout)[0]).toMatch(
      /^1 adapter, base pico \((?:Flux|an image or video model)/,
    );
    expect(lines((await run(["inspect", one])).stdout)[0]).toMatch(/ LoRA for pico \((?:Flux|an image or video model)/);
    expect(lines((await run(["inspect", SEVEN[0]!])).stdout)[0]).toMatch(/ LoRA for lora-lego\/minibench-llama, /);
  });

  it("names a rank that the merge writes", async () => {
    // floor(4 / 2) units of each adapter.
    const modules = { q: { in: 4, out: 9 } };
    const two = [1, 2].map((seed) =>
      writeAdapter(join(folder, `narrow-${seed}`), randomAdapter(seed, { rank: seed + 4, modules })),
    );
    const { stdout } = await run(["audit", ...two]);
    const [, rank] = /^Merge by tsv at rank (\d+) /m.exec(stdout)!;
    const { code, stdout: merged } = await run(["merge", ...two, "--out", join(folder, "narrow")]);
    expect([code, merged]).toEqual([
      0,
      expect.stringContaining(`1 module, rank ${rank} (the most that tsv writes for them),`),
    ]);
  });

  it("says where the adapters ask for a larger rank than auto takes, as a dry run says that it cannot", async () => {
    // The sum of unlike adapters has the ranks of both.
    const modules = { "model.layers.0.self_attn.q_proj": { in: 60, out: 60 } };
    const two = [41, 42].map((seed) =>
      writeAdapter(join(folder, `wide-${seed}`), randomAdapter(seed, { rank: 3, modules })),
    );
    const { stdout } = await run(["audit", ...two]);
    expect(stdout.replaceAll(/\s+/g, " ")).toContain("(--method auto; by itself it takes rank 3).");
    expect(stdout).toMatch(/^ {2}lora-lego merge \S+ \S+ --rank [456] /m);
    const dry = (flags: string[]) => run(["merge", ...two, "--dry-run", ...flags]);
    const note = "lora-lego audit says whether the adapters ask for a larger rank.";
    expect((await dry([])).stdout.replaceAll(/\s+/g, " ")).toContain(note);
    expect((await dry(["--rank", "3"])).stdout.replaceAll(/\s+/g, " ")).not.toContain(note);
  });

  it("says of modules with numbers for names that no program loads the result as it is", async () => {
    const modules = { w_000: { in: 8, out: 8 } };
    const two = [1, 2].map((seed) => writeAdapter(join(folder, `sam-${seed}`), randomAdapter(seed, { modules })));
    const said =
      "no program loads the result as it is; rename its tensors for that code (base_model.model.w_000.lora_A.weight to w_a_000, and so on).";
    const { code, stdout } = await run(["audit", ...two]);
    expect([code, stdout.replaceAll(/\s+/g, " ")]).toEqual([0, expect.stringContaining(said)]);
    const merged = await run(["merge", ...two, "--dry-run"]);
    expect([merged.code, merged.stderr]).toEqual([0, expect.stringContaining(`${said} [numbers-kept]`)]);
  });

  it("says so if nothing was found, and where something is found against loading them unmerged", async () => {
    const { code, stdout } = await run(["audit", written("third", 3)]);
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(
        /^Nothing was found that speaks against merging it with others\.\nWhat speaks against loading it stands above\.$/m,
      ),
    ]);
    expect(stdout.replaceAll(/\s+/g, " ")).toMatch(
      /; something against SGLang, llama\.cpp, [A-Za-z, -]+ in it \(lora-lego check says what\) /,
    );
  });

  it("names the adapters that a program does not load", async () => {
    const large = writeAdapter(join(folder, "large"), randomAdapter(5, { rank: 600 }));
    const { stdout } = await run(["audit", written("fifth", 5), large]);
    expect(stdout.replaceAll(/\s+/g, " ")).toContain("; something against vLLM in large");
  });

  it("looks at each adapter where there are too many units to compare, and says what is not known", async () => {
    const modules = { q: { in: 8, out: 8 } };
    const many = [1, 2, 3].map((t) =>
      writeAdapter(join(folder, `many-${t}`), randomAdapter(t, { modules, rank: 1400 })),
    );
    const { code, stdout } = await run(["audit", ...many]);
    expect(code).toBe(0);
    expect(stdout.replaceAll(/\s+/g, " ")).toContain(
      "Adapters are not compared in 1 of 1 module, which has more than 4096 units: whether one is lost",
    );
    expect(stdout).toMatch(/^#1 +1\.00 +- +-$/m);
    expect(stdout).toMatch(/^3 +many-3 +1400 +[\d.]+ +- +\d\.\d +\d\.\d +0 +0$/m);
    expect(stdout).toMatch(/^Merge by lego at rank 1400 \(--method auto\)\. lego was chosen for 3 adapters: it$/m);
    const merged = await run(["merge", ...many, "--rank", "2", "--out", join(folder, "of-many")]);
    expect([merged.code, merged.stdout]).toEqual([0, expect.not.stringContaining("lora-lego audit")]);
  });

  it("says how many adapters name the base, and where nothing shows one seed", async () => {
    const nameless = writeAdapter(
      join(folder, "nameless"),
      randomAdapter(7, { config: { base_model_name_or_path: null } }),
    );
    const { stdout } = await run(["audit", written("named", 8), nameless]);
    expect(stdout).toMatch(/^2 adapters, base pico \(named by 1 of 2\), 2 modules, /m);
    expect(stdout).toMatch(/^random A at the start: no sign of one seed \(rows of A have cosine -?\d\.\d\d\)$/m);
  });

  it("lists the closest pairs of many adapters instead of a wide matrix", async () => {
    const many = Array.from({ length: 12 }, (_, t) => written(`many-${t}-with-a-long-name`, 100 + t));
    const { stdout } = await run(["audit", ...many]);
    expect(stdout).toMatch(/^closest pairs +cosine$/m);
    expect(stdout).toMatch(/^many-\d+-wi\S+…\S*long-name +many-\d+-wi\S+…\S*long-name +-?\d\.\d\d$/m);
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

it("tells the bases of a set once where the refusal names them", async () => {
  const folder = tempFolder();
  const deep = (name: string, layers: number, base: string) => {
    const names = Array.from({ length: layers }, (_, i) => `model.layers.${i}.self_attn.q_proj`);
    const modules = Object.fromEntries(names.map((module) => [module, { in: 4, out: 4 }]));
    return writeAdapter(join(folder, name), {
      ...randomAdapter(layers, { rank: 2, modules }),
      config: { base_model_name_or_path: base },
    });
  };
  const { stdout } = await run(["audit", deep("a", 2, "one/small"), deep("b", 3, "two/large")]);
  expect(stdout.replaceAll(/\s+/g, " ").match(/one\/small/g)).toHaveLength(1);
});
