import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { stringify } from "yaml";
import { parseBench } from "../../src/evaluate/bench-file.ts";
import { mergeToFolder } from "../../src/node/index.ts";
import { tempFolder } from "../support/pico.ts";

interface Tensor {
  readonly shape: readonly [number, number];
  readonly values: Float32Array;
}
interface SmallAdapter {
  readonly config: { readonly lora_alpha: number; readonly r: number };
  readonly tensors: Map<string, Tensor>;
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const tool = (name: string) => import(join(root, "tools/evidence", name));
const adapters = ["reverse", "sort"].map((name) => join(root, "examples/adapters", name));
const folder = tempFolder();

function delta({ tensors }: SmallAdapter, module: string, scale: number): Float64Array {
  const [a, b] = ["A", "B"].map((factor) => tensors.get(`base_model.model.${module}.lora_${factor}.weight`)!);
  const [[rank, width], height] = [a!.shape, b!.shape[0]];
  const product = new Float64Array(height * width);
  for (let i = 0; i < height; i++) {
    for (let k = 0; k < rank; k++) {
      for (let j = 0; j < width; j++)
        product[i * width + j]! += scale * b!.values[i * rank + k]! * a!.values[k * width + j]!;
    }
  }
  return product;
}

it("pieces of heads that each stay alone give the sum of the deltas times sqrt(r / N)", async () => {
  const { mergeHeads } = await tool("heads.mjs");
  const { readAdapter } = await tool("adapter-files.mjs");
  await mergeHeads(adapters, {}, 14, join(folder, "pieces"));
  await mergeToFolder(adapters, { method: "cat", dtype: "f32" }, { out: join(folder, "cat"), threads: 1 });
  const [pieces, cat]: SmallAdapter[] = ["pieces", "cat"].map((name) => readAdapter(join(folder, name)));
  const scale = (cat!.config.lora_alpha / cat!.config.r) * Math.sqrt(7 / 14);
  for (const module of ["self_attn.q_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.down_proj"]) {
    const name = `model.layers.1.${module}`;
    const [got, expected] = [delta(pieces!, name, 1), delta(cat!, name, scale)];
    expect(Math.max(...expected.map(Math.abs))).toBeGreaterThan(0.01);
    for (const [i, value] of got.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-6);
  }
});

it("every study is a benchmark that can be run", async () => {
  const { FULL, QUICK } = await tool("studies.mjs");
  const { REAL, REAL_QUICK } = await tool("real-studies.mjs");
  for (const { id, config, pairs = [] } of [...FULL, ...QUICK, ...REAL, REAL_QUICK]) {
    const own = config === undefined ? [] : [config];
    for (const of of [...own, ...pairs.map((pair: { config: object }) => pair.config)])
      await expect(parseBench(stringify(of), id)).resolves.toBeDefined();
  }
});

it("docs/evidence.md says what docs/evidence.json holds, and what was not measured", async () => {
  const { evidencePage } = await tool("page.mjs");
  const words = readFileSync(join(root, "tools/evidence/words.md"), "utf8");
  const found: object = JSON.parse(readFileSync(join(root, "docs/evidence.json"), "utf8"));
  expect(evidencePage(found, words)).toBe(readFileSync(join(root, "docs/evidence.md"), "utf8"));
  expect(evidencePage({}, words)).toContain("*Not measured yet.*");
});

const realWords = () =>
  ["real-words.md", "real-decoder.md"].map((name) => readFileSync(join(root, "tools/evidence", name), "utf8"));
const realResults = () => JSON.parse(readFileSync(join(root, "docs/evidence-real.json"), "utf8"));

it("docs/evidence-real.md says what docs/evidence-real.json holds, and what was not measured", async () => {
  const { realPage } = await tool("real-page.mjs");
  expect(realPage(realResults(), ...realWords())).toBe(readFileSync(join(root, "docs/evidence-real.md"), "utf8"));
  expect(realPage({}, ...realWords())).toContain("## Not measured yet\n\n- all-6\n");
});

it("a language model stands before the encoder from its first merge on, and merges to come are named", async () => {
  const { realPage } = await tool("real-page.mjs");
  const found = realResults();
  const of = (count: number) => ({ ...found["count-2"], merges: found["count-2"].merges.slice(0, count) });
  const page = (results: object) => realPage({ ...results, "all-6": found["all-6"] }, ...realWords());
  const one = page({ "smollm2-count-2": of(1) });
  expect(one.indexOf("### Other averages on SmolLM2")).toBeLessThan(one.indexOf("## How it was measured"));
  expect(one).toContain(
    "\n- smollm2-count-2: average, task_arithmetic, ties_svd, tsv, ctm, lego svd gauge, iso_c, ties, linear\n",
  );
  expect(one).not.toContain("### The paper's methods on SmolLM2");
  expect(page({ "smollm2-count-2": of(8) })).toContain("### The paper's methods on SmolLM2");
  expect(page({})).not.toContain("## SmolLM2,");
});

it("scores are asked for once for the same weights, factor, rows and head", async () => {
  const { realHost, rowsOf } = await tool("real-host.mjs");
  const heads = join(folder, "heads");
  for (const task of ["cola", "rte"]) {
    mkdirSync(join(heads, task), { recursive: true });
    writeFileSync(join(heads, task, `head-${task}.safetensors`), task);
  }
  const of = (head: string, digest: string) => ({ answers: [1, 0], digest, head });
  const labels = { test: { cola: of("cola", "c"), rte: of("rte", "r"), wnli: of("rte", "w") } };
  const asked: { adapter: string; scale: number; task: string; head: string }[] = [];
  const ask = async (request: (typeof asked)[number]) => {
    asked.push(request);
    return [[-request.scale], [request.task.length]];
  };
  const host = realHost({
    scorer: { model: "minilm", labels, ask },
    paths: adapters,
    heads,
    joint: null,
    merged: join(folder, "real-merged"),
    cache: join(folder, "real-cache"),
  });
  const merged = await host.merge({ method: "svd", target: { kind: "rank", rank: 2 } });
  let scored = merged;
  const score = (scale: number, ...tasks: string[]) => host.score(scored, scale, rowsOf(labels, "test", tasks));
  expect(await score(2, "cola")).toEqual([[-2], [4]]);
  expect(await score(2, "cola", "wnli")).toEqual([[-2], [4], [-2], [4]]);
  expect(asked.map(({ task }) => task)).toEqual(["cola", "wnli"]);
  expect(asked[1]!.head).toBe(join(heads, "rte", "head-rte.safetensors"));
  await score(1, "cola");
  expect(await host.merge({ method: "svd", target: { kind: "rank", rank: 2 } })).toBe(merged);
  scored = await host.merge({ method: "average", target: { kind: "rank", rank: 2 } });
  await score(2, "cola");
  writeFileSync(join(heads, "cola", "head-cola.safetensors"), "another");
  await score(2, "cola", "wnli");
  expect(asked.slice(2).map(({ task }) => task)).toEqual(["cola", "cola", "cola", "wnli"]);
});

it("a study on a pretrained model scores base, adapters and merges, each on all test rows", async () => {
  const { measure } = await tool("real.mjs");
  const tasks = ["reverse", "sort"];
  const labels = Object.fromEntries(
    ["dev", "test"].map((part) => [
      part,
      Object.fromEntries(tasks.map((task) => [task, { answers: [1, 0, 1, 1], digest: `${part} ${task}`, head: task }])),
    ]),
  );
  // The base always says 0, an adapter 1, a merge what is right.
  const ask = async ({ adapter, part, task }: { adapter: string | null; part: string; task: string }) => {
    const right = labels[part]![task]!.answers;
    const own = adapter !== null && adapters.includes(adapter);
    return right.map((answer) => ((adapter === null ? 0 : own ? 1 : answer) === 0 ? [0, -1] : [-1, 0]));
  };
  const heads = join(root, "examples/adapters");
  const config = {
    base: "smollm2",
    tasks: { dev: tasks, test: tasks },
    adapters: tasks.map((task) => ({ path: join(heads, task), task })),
    ranks: [2],
    merges: [{ method: "average" }, { method: "svd" }],
    scales: [],
  };
  const [merged, cache] = [join(folder, "study-merged"), join(folder, "study-cache")];
  const found = await measure({ id: "study", heads, config }, { model: "smollm2", labels, ask, merged, cache });
  expect([found.base.seen, found.own.seen, ...found.merges.map((merge: typeof found) => merge.plain.seen)]).toEqual([
    0.25, 0.75, 1, 1,
  ]);
  expect(found.majority).toEqual({ reverse: 0.75, sort: 0.75 });
});

it("noise has the size of each factor times sigma", async () => {
  const { addNoise } = await tool("noise.mjs");
  const { readAdapter } = await tool("adapter-files.mjs");
  const rms = (values: Float32Array): number => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);
  const { tensors: plain }: SmallAdapter = readAdapter(adapters[0]);
  for (const sigma of [0, 2]) {
    addNoise(adapters[0], join(folder, `noise-${sigma}`), sigma, 1);
    const { tensors }: SmallAdapter = readAdapter(join(folder, `noise-${sigma}`));
    for (const [name, { values }] of plain) {
      const noise = tensors.get(name)!.values.map((value, i) => value - values[i]!);
      const ratio = rms(noise) / rms(values);
      // The standard error of a deviation over n values is 1 / sqrt(2 n) of it.
      expect(Math.abs(ratio - sigma)).toBeLessThanOrEqual((5 * sigma) / Math.sqrt(2 * values.length));
    }
  }
});

it("quick studies are measured in parts that have every merge once, on the rows that are compared alone", async () => {
  const { QUICK, inParts } = await tool("studies.mjs");
  for (const study of QUICK) {
    const parts = inParts(study, 2);
    expect(parts.map(({ id }: { id: string }) => id)).toEqual([`${study.id}-1-of-2`, `${study.id}-2-of-2`]);
    const merges = parts.flatMap(({ config }: { config: { merges: unknown[] } }) => config.merges);
    expect(new Set(merges)).toEqual(new Set(study.config.merges));
    expect(merges).toHaveLength(study.config.merges.length);
    expect(parts[0]).toMatchObject({ limit: study.limit, config: { adapters: study.config.adapters, unseen: [] } });
  }
});
