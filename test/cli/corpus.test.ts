import { type Dirent, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readMerged, tempFolder } from "../support/pico.ts";
import { lines, run } from "./run.ts";

const CORPUS = fileURLToPath(new URL("../../../shared/corpus", import.meta.url));
const absent = !existsSync(CORPUS);

function merge(names: readonly string[], out: string, ...flags: string[]) {
  return run(["merge", ...names.map((name) => join(CORPUS, name)), "--out", out, "--json", ...flags]);
}

const namesIn = (folder: string, wanted: (entry: Dirent) => boolean): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (wanted(entry) ? [entry.name] : []));

describe.skipIf(absent)(`adapters that strangers published${absent ? ` (skipped: there is no ${CORPUS})` : ""}`, () => {
  it.concurrent.each([
    { names: ["gpt2-math", "gpt2-med", "gpt2-finance"], flags: [], modules: 36, rank: 8, warnings: [] },
    {
      names: ["roberta-r4-bias-all", "roberta-r7"],
      flags: ["--extras", "drop"],
      modules: 36,
      rank: 7,
      warnings: ["extras-dropped"],
    },
  ])("are merged: $names", async ({ names, flags, modules, rank, warnings }) => {
    const out = join(tempFolder(), "merged");
    const { code, stdout, stderr } = await merge(names, out, ...flags);
    expect(lines(stderr).filter((line) => line.startsWith("error:"))).toEqual([]);
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report.warnings.map(({ id }: { id: string }) => id)).toEqual(warnings);
    expect(report.totals).toMatchObject({ modules, rank });
    const merged = readMerged(out);
    expect([...merged.modules.keys()].sort()).toEqual(report.modules.map(({ name }: { name: string }) => name).sort());
    expect([...merged.modules.values()].every(({ A, B }) => A.some(Boolean) && B.some(Boolean))).toBe(true);
    expect(merged.extras.size).toBe(0);
  });

  it.concurrent("are merged where one changes nothing, as without it: the gemmas", async () => {
    const folder = tempFolder();
    const gemmas = ["gemma-r4-qkvo", "gemma-r4-qv", "gemma-r8-qv"];
    const [three, four] = ["three", "four"].map((name) => join(folder, name)) as [string, string];
    const without = await merge(gemmas, three);
    const withZero = await merge([...gemmas, "gemma-r4-zero"], four);
    expect([without.code, withZero.code]).toEqual([0, 0]);
    const warnings = [without, withZero].map(({ stdout }) =>
      JSON.parse(stdout).warnings.map(({ id }: { id: string }) => id),
    );
    expect(warnings[0]).toContain("different-base");
    expect(warnings[0]).not.toContain("zero-adapter");
    expect(warnings[1]).toContain("zero-adapter");
    expect(readMerged(three).modules.size).toBe(72);
    for (const file of ["adapter_model.safetensors", "adapter_config.json"]) {
      expect(readFileSync(join(four, file)).equals(readFileSync(join(three, file))), file).toBe(true);
    }
  });

  it.concurrent("are merged alike from two dialects with equal tensors", async () => {
    const folder = tempFolder();
    const sum = async (second: string): Promise<Buffer> => {
      const out = join(folder, second);
      const { code } = await merge(["sd15-diffusers", second], out, "--rank", "4");
      expect(code).toBe(0);
      return readFileSync(join(out, "adapter_model.safetensors"));
    };
    expect((await sum("sd15-kohya-keys")).equals(await sum("sd15-diffusers"))).toBe(true);
  });

  it.concurrent.each([
    ["mlx-qwen2.5", "mlx"],
    ["sd15-diffusers", "diffusers"],
    ["sd15-diffusers-old", "diffusers"],
    ["sd15-kohya-keys", "kohya"],
    ["lora-diffusion", "lora_diffusion"],
    ["sam/lora_rank8.safetensors", "sam"],
    ["gpt2-bin", "peft"],
  ])("are read in their own dialects and resized: %s", async (name, format) => {
    const [found] = JSON.parse((await run(["inspect", join(CORPUS, name), "--json"])).stdout);
    expect(found).toMatchObject({ format, norm: expect.any(Number) });
    expect(found.norm).toBeGreaterThan(0);
    const out = join(tempFolder(), "half");
    const { code } = await run(["resize", join(CORPUS, name), "--rank", "2", "--out", out]);
    expect(code).toBe(0);
    expect(readMerged(out).modules.size).toBe(found.modules.length);
  });

  it.concurrent("are read by inspect, or refused in one line with their name, each of them", async () => {
    const own = namesIn(CORPUS, (entry) => entry.isDirectory());
    // These hold no adapter themselves, so they stand for those in them.
    const shelves = ["odd", "sam"];
    const inside = [
      ...namesIn(
        join(CORPUS, "odd"),
        (entry) => entry.isDirectory() && entry.name !== "training_args-is-not-an-adapter",
      ),
      ...namesIn(join(CORPUS, "sam"), (entry) => entry.name.endsWith(".safetensors")),
    ];
    // These hold rows of tasks.
    const rows = ["glue-rte", "glue-wnli"];
    const names = [...own.filter((name) => ![...shelves, ...rows].includes(name)), ...inside];
    const { stdout, stderr } = await run(["inspect", ...own.map((name) => join(CORPUS, name)), "--json"]);
    const read: { name: string; modules: unknown[]; others: unknown[] }[] = JSON.parse(stdout);
    const told = lines(stderr).filter((line) => !line.startsWith("warning: "));
    const noticed = / holds no adapter(?: itself, and the adapters in it are taken: |, and is left out\.$)/;
    const refused = told.filter((line) => !noticed.test(line));
    expect(told).toHaveLength(refused.length + shelves.length + rows.length);
    expect(read.every(({ modules, others }) => modules.length > 0 || others.length > 0)).toBe(true);
    for (const line of refused) expect(line).toMatch(/^error: [\w.-]+[ /:].*\.$/);
    const answered = [...read.map(({ name }) => name), ...refused.map((line) => /^error: ([\w.-]+)/.exec(line)![1]!)];
    expect(answered.sort()).toEqual(names.sort());
    expect(read.length).toBeGreaterThanOrEqual(20);
  });
});
