import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { createSHA256 } from "hash-wasm";
import { describe, expect, it } from "vitest";
import { openAdapter } from "../../src/adapter/open.ts";
import { auditSet } from "../../src/analysis/audit/audit-set.ts";
import { inspectOpened } from "../../src/analysis/inspect.ts";
import type { ModuleOverview } from "../../src/analysis/overview.ts";
import { Explorer } from "../../src/browser/explorer.ts";
import { type HandedFolder, handedFolder } from "../../src/browser/handed-files.ts";
import { pageLane, serveLane, type WorkerLike, type WorkerScope } from "../../src/browser/page-lanes.ts";
import { memorySource } from "../../src/core/bytes.ts";
import { readHeader } from "../../src/formats/safetensors/header.ts";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import { wasmKernels } from "../../src/kernels/wasm.ts";
import { PAPER } from "../../src/methods/lego/options.ts";
import { convertAdapter } from "../../src/node/convert-adapter.ts";
import { auditMerged, mergeAdapters, mergeToFolder } from "../../src/node/index.ts";
import { minibench, SEEN } from "../support/minibench.ts";
import { MockHub } from "../support/mock-hub.ts";
import { randomAdapter, tempFolder, writeAdapter } from "../support/pico.ts";
import { checkpoint, dict, storage, tensor } from "../support/torch.ts";

/** A Web Worker as a page starts it, on the test's own thread; what is sent is cloned. */
function fakeWorker(): WorkerLike {
  const worker: WorkerLike = {
    onmessage: null,
    onerror: null,
    postMessage: (data) => send(scope, data),
    terminate() {},
  };
  const scope: WorkerScope = { onmessage: null, postMessage: (data) => send(worker, data) };
  const send = (to: { onmessage: ((event: MessageEvent) => void) | null }, data: unknown): void => {
    const copy: unknown = structuredClone(data);
    setImmediate(() => to.onmessage?.({ data: copy } as MessageEvent));
  };
  serveLane(scope, { begin: createSHA256, inTurn: (work) => work() });
  return worker;
}

function explorer(): Explorer {
  return new Explorer(() => pageLane(fakeWorker()), 2);
}

function handed(path: string, name: string): HandedFolder {
  const files = readdirSync(path).map((file) => [file, { blob: new Blob([readFileSync(join(path, file))]) }] as const);
  return { name, files: Object.fromEntries(files), folders: [] };
}

/** The overview of a fresh explorer. */
async function explored(page: Explorer, tasks: readonly string[]): Promise<ModuleOverview[]> {
  const cards = await Promise.all(tasks.map((task) => page.open(handed(minibench(task), task))));
  const seen: ModuleOverview[] = [];
  await page.overview(
    cards.map(({ id }) => id),
    (module) => seen.push(module),
  );
  return seen;
}

const folder = tempFolder();

describe("the explorer", () => {
  it("merges to the bytes of lora-lego merge, all files of the folder", async () => {
    const page = explorer();
    const cards = await Promise.all(SEEN.map((task) => page.open(handed(minibench(task), task))));
    const chosen = cards.map(({ id, name }, t) => ({ id, name, weight: t === 2 ? 0.5 : 1 }));
    const recipe = { method: "lego", options: { gauge: "balanced" }, target: { kind: "rank", rank: 8 } } as const;
    const progress: number[] = [];
    const { files, report } = await page.merge(chosen, recipe, ({ done }) => progress.push(done));
    const out = join(folder, "merged");
    const weights = chosen.map(({ weight }) => weight);
    await mergeToFolder(SEEN.map(minibench), { ...recipe, weights }, { out });
    expect(Object.keys(files).sort()).toEqual(readdirSync(out).sort());
    for (const [name, bytes] of Object.entries(files)) {
      expect(readFileSync(join(out, name)).equals(bytes), name).toBe(true);
    }
    expect(progress.at(-1)).toBe(report.modules.length);
  });

  it("finds in a result what lora-lego audit finds, and whether the program that it is for loads it", async () => {
    const page = explorer();
    const tasks = SEEN.slice(0, 3);
    const gpt2 = (task: string) => join(minibench(task), "../../../gpt2/all", task);
    const cards = await Promise.all(tasks.map((task) => page.open(handed(gpt2(task), task))));
    const chosen = cards.map(({ id, name }, t) => ({ id, name, weight: t === 2 ? 0.5 : 1 }));
    const recipe = { method: "lego", target: { kind: "rank", rank: 2 }, for: "vllm" } as const;
    const made = await page.merge(chosen, recipe, () => {});
    expect(made.loading.against).toMatch(/^vLLM .* takes no LoRA for GPT2LMHeadModel/);
    expect(made.loading.lines.map(({ title }) => title)).toEqual(["PEFT"]);
    const out = join(folder, "checked");
    mkdirSync(out);
    for (const [name, bytes] of Object.entries(made.files)) writeFileSync(join(out, name), bytes);
    writeFileSync(join(out, "report.json"), JSON.stringify(made.report));
    const { signatures, good } = await auditMerged(out, { of: tasks.map(gpt2) });
    expect([signatures.length, good]).toEqual([8, false]);
    const ids = cards.map(({ id }) => id);
    const found = await page.check(ids, { ...made, recipe });
    expect(found!.signatures).toEqual(signatures);
    expect(found!.fixes.length).toBeGreaterThan(0);
  });

  it("gives the merge of image adapters as the single file that their programs load, byte for byte", async () => {
    const unet = { "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q": { in: 4, out: 4 } };
    for (const [name, convert] of [
      ["peft", null],
      ["kohya", "kohya"],
      ["diffusers", "diffusers"],
    ] as const) {
      const paths: string[] = [];
      for (const seed of [1, 2]) {
        const own = writeAdapter(join(folder, `image-${name}-${seed}`), randomAdapter(seed, { modules: unet }));
        if (convert === null) paths.push(own);
        else {
          const out = join(folder, `image-${name}-${seed}.safetensors`);
          await convertAdapter(own, { to: convert, out });
          paths.push(out);
        }
      }
      const page = explorer();
      const cards = await Promise.all(
        paths.map((path) =>
          page.open(
            convert === null
              ? handed(path, basename(path))
              : {
                  name: basename(path),
                  files: { "a.safetensors": { blob: new Blob([readFileSync(path)]) } },
                  folders: [],
                },
          ),
        ),
      );
      const chosen = cards.map(({ id, name: own }) => ({ id, name: own, weight: 1 }));
      const recipe = { method: "tsv" } as const;
      const made = await page.merge(chosen, recipe, () => {});
      const file = `${made.name}.safetensors`;
      expect(made.loading.single).toBe(file);
      expect(made.loading.lines.map(({ title }) => title)).toContain("diffusers");
      expect(made.loading.lines.find(({ title }) => title === "diffusers")!.line).toContain(file);
      const out = join(folder, `merged-${name}.safetensors`);
      await mergeAdapters(paths, recipe, { out });
      expect(readFileSync(out).equals(await page.single({ ...made, recipe })), name).toBe(true);
      const programs = await page.programs(cards.map(({ id }) => id));
      const against = Object.fromEntries(programs.map((program) => [program.for, program.against]));
      expect(against).toMatchObject({ diffusers: null, comfyui: null, peft: null });
      expect(against.vllm).toMatch(/^vLLM runs language models/);
      // A program that may be chosen is one that the merge is not refused for.
      for (const program of programs.filter((own) => own.against === null)) {
        expect(await page.estimate(chosen, { ...recipe, for: program.for }), program.for).toHaveProperty("rank");
        const forIt = await page.merge(chosen, { ...recipe, for: program.for }, () => {});
        expect(forIt.loading.against, program.for).toBeNull();
      }
    }
  });

  it("knows which programs load what is merged before it is", async () => {
    const page = explorer();
    const gpt2 = (task: string) => join(minibench(task), "../../../gpt2/all", task);
    const against = async (...paths: readonly string[]) => {
      const cards = await Promise.all(paths.map((path) => page.open(handed(path, basename(path)))));
      return Object.fromEntries(
        (await page.programs(cards.map(({ id }) => id))).map((program) => [program.for, program.against]),
      );
    };
    const ofGpt2 = await against(gpt2("cola"), gpt2("sst2"));
    expect(ofGpt2.vllm).toMatch(/^vLLM .* takes no LoRA for GPT2LMHeadModel/);
    expect(ofGpt2.peft).toBeNull();
    const ofLlama = await against(minibench("cola"), minibench("sst2"));
    expect(ofLlama).toMatchObject({ vllm: null, peft: null });
    expect(ofLlama.llamacpp).toMatch(/convert the result to gguf/);
    expect(ofLlama.comfyui).toMatch(/ComfyUI/);
  });

  it("shares out a budget as lora-lego merge does", async () => {
    const page = explorer();
    const cards = await Promise.all(SEEN.map((task) => page.open(handed(minibench(task), task))));
    const chosen = cards.map(({ id, name }) => ({ id, name, weight: 1 }));
    const recipe = { method: "tsv", target: { kind: "budget", rank: 6 } } as const;
    const { files } = await page.merge(chosen, recipe, () => {});
    const out = join(folder, "within-budget");
    await mergeToFolder(SEEN.map(minibench), recipe, { out });
    for (const [name, bytes] of Object.entries(files)) {
      expect(readFileSync(join(out, name)).equals(bytes), name).toBe(true);
    }
  });

  it("hashes an adapter in parts as the command line does", async () => {
    const whole = readFileSync(join(minibench("cola"), "adapter_model.safetensors"));
    const { tensors } = await readHeader(memorySource("cola", whole));
    const path = join(folder, "parts");
    cpSync(minibench("cola"), path, { recursive: true });
    rmSync(join(path, "adapter_model.safetensors"));
    const shardOf = (name: string): string =>
      `adapter_model-0000${name.includes("layers.0.") ? 1 : 2}-of-00002.safetensors`;
    const names = [...tensors.keys()];
    for (const shard of new Set(names.map(shardOf))) {
      const own = names
        .filter((name) => shardOf(name) === shard)
        .map((name) => {
          const { dtype, shape, begin, end } = tensors.get(name)!;
          return { name, dtype, shape, data: whole.subarray(begin, end) };
        });
      writeFileSync(join(path, shard), encodeSafetensors(own, { format: "pt" }));
    }
    const index = { metadata: {}, weight_map: Object.fromEntries(names.map((name) => [name, shardOf(name)])) };
    writeFileSync(join(path, "adapter_model.safetensors.index.json"), JSON.stringify(index));
    const page = explorer();
    const card = await page.open(handed(path, "parts"));
    const { files, report } = await page.merge(
      [{ id: card.id, name: "parts", weight: 1 }],
      { method: "cat" },
      () => {},
    );
    const out = join(folder, "of-parts");
    const { report: expected } = await mergeToFolder([path], { method: "cat" }, { out });
    expect(report.inputs[0]!.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(report.inputs[0]!.sha256).toBe(expected.inputs[0]!.sha256);
    expect(readFileSync(join(out, "README.md")).equals(files["README.md"]!)).toBe(true);
  });

  it("copies what the adapters have alike and names their datasets, as the command line does", async () => {
    const made = ["cola", "sst2"].map((task, t) => {
      const path = join(folder, task);
      cpSync(minibench(task), path, { recursive: true });
      writeFileSync(join(path, "tokenizer.json"), "{}");
      writeFileSync(join(path, "chat_template.jinja"), String(t));
      writeFileSync(join(path, "README.md"), `---\ndatasets:\n- set-${t}\n---\n`);
      return path;
    });
    const page = explorer();
    const cards = await Promise.all(made.map((path) => page.open(handed(path, basename(path)))));
    const chosen = cards.map(({ id, name }) => ({ id, name, weight: 1 }));
    const { files, report } = await page.merge(chosen, { method: "average" }, () => {});
    const out = join(folder, "with-companions");
    await mergeToFolder(made, { method: "average" }, { out });
    expect(Object.keys(files).sort()).toEqual(readdirSync(out).sort());
    for (const [name, bytes] of Object.entries(files))
      expect(readFileSync(join(out, name)).equals(bytes), name).toBe(true);
    expect(new TextDecoder().decode(files["README.md"])).toContain('- "set-1"');
    expect(report.warnings.map(({ id }) => id)).toContain("tokenizer-differs");
  });

  it("opens an adapter on the Hub by ranges, merges it, and pins its commit in the recipe", async () => {
    const files = Object.fromEntries(
      readdirSync(minibench("cola")).map((file) => [file, readFileSync(join(minibench("cola"), file))]),
    );
    const hub = await MockHub.start({ "owner/cola": { files, large: ["adapter_model.safetensors"] } });
    try {
      const page = explorer();
      const card = await page.openHub("hf://owner/cola", { endpoint: hub.endpoint, token: null });
      expect(card).toMatchObject({ name: "owner/cola", modules: 28, ranks: [6] });
      const made = await page.merge([{ id: card.id, name: "cola", weight: 1 }], { method: "lego" }, () => {});
      const weights = "adapter_model.safetensors";
      expect(files[weights]!.equals(made.files[weights]!)).toBe(true);
      const recipe = new TextDecoder().decode(made.files["recipe.yaml"]);
      expect(recipe).toContain(`hf://owner/cola@${MockHub.commitOf("owner/cola")}`);
    } finally {
      hub.stop();
    }
  });

  it("opens every format that the command line reads", async () => {
    const peft = minibench("cola");
    const baseConfig = join(peft, "../../base/config.json");
    const targets = { mlx: "mlx", kohya: "kohya.safetensors", gguf: "cola.gguf" };
    const handedOf = (path: string): HandedFolder => {
      const file = { blob: new Blob([readFileSync(path)]) };
      return { name: "cola", files: { [basename(path)]: file }, folders: [] };
    };
    const factor = (rows: number, columns: number) =>
      tensor({ storage: storage("0", rows * columns), size: [rows, columns], stride: [columns, 1] });
    const key = (half: string): string => `base_model.model.q.lora_${half}.weight`;
    const torch = checkpoint(dict({ [key("A")]: factor(2, 4), [key("B")]: factor(4, 2) }), 4 * 8);
    const handedFolders: Record<string, HandedFolder> = {
      peft: handed(peft, "cola"),
      "peft, of torch": {
        name: "cola",
        folders: [],
        files: {
          "adapter_config.json": {
            blob: new Blob(['{ "peft_type": "LORA", "r": 2, "lora_alpha": 2, "target_modules": ["q"] }']),
          },
          "adapter_model.bin": { blob: new Blob([torch.slice()]) },
        },
      },
    };
    const unet = { "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q": { in: 4, out: 4 } };
    const image = writeAdapter(join(folder, "formats", "image"), randomAdapter(7, { modules: unet }));
    for (const [to, name] of Object.entries(targets) as [keyof typeof targets, string][]) {
      const out = join(folder, "formats", name);
      await convertAdapter(to === "kohya" ? image : peft, { to, out, ...(to === "gguf" && { baseConfig }) });
      handedFolders[to] = to === "mlx" ? handed(out, "cola") : handedOf(out);
    }
    const cards = await Promise.all(Object.values(handedFolders).map((each) => explorer().open(each)));
    const found = Object.keys(handedFolders).map((format, i) => [format, cards[i]!.format, cards[i]!.modules]);
    expect(found).toEqual([
      ["peft", "peft", 28],
      ["peft, of torch", "peft", 1],
      ["mlx", "mlx", 28],
      ["kohya", "kohya", 1],
      ["gguf", "gguf", 28],
    ]);
  });

  it("says why a folder is not opened in the words of the command line", async () => {
    const empty = { name: "nothing", files: {}, folders: [] };
    await expect(explorer().open(empty)).rejects.toThrow("nothing holds no adapter: expected adapter_config.json");
  });

  it("estimates the size that the merge has, and passes on refusals", async () => {
    const page = explorer();
    const cards = await Promise.all(SEEN.slice(0, 2).map((task) => page.open(handed(minibench(task), task))));
    const chosen = cards.map(({ id, name }) => ({ id, name, weight: 1 }));
    const { files } = await page.merge(chosen, { method: "svd" }, () => {});
    const estimate = await page.estimate(chosen, { method: "svd" });
    expect(estimate).toMatchObject({ bytes: files["adapter_model.safetensors"]!.length, rank: 6, dtype: "bf16" });
    // How many units dc_merge gives is known when it has merged.
    const sparse = { method: "dc_merge", target: { kind: "rank", rank: 9 } } as const;
    expect(await page.estimate(chosen, sparse)).toMatchObject({ rank: 9, most: true });
    const { report } = await page.merge(chosen, sparse, () => {});
    expect(report.totals.rank).toBeLessThan(9);
    expect(await page.estimate(chosen, { method: "svd", scale: Number.NaN })).toHaveProperty("refused");
    expect(await page.estimate(chosen, { method: "svd", for: "mlx" })).toMatchObject({
      refused: expect.stringMatching(/mlx-lm loads mlx files, but a PEFT adapter is made here/),
    });
    const refused = await page.estimate(chosen, { method: "ties", options: { density: -1 } });
    expect(refused).toMatchObject({ refused: expect.stringContaining("density") });
  });

  it("refuses adapters of different bases before it reads one, in the words of lora-lego audit, in any order", async () => {
    const wide = join(folder, "wide");
    const shared = "model.layers.3.self_attn.q_proj";
    writeAdapter(wide, randomAdapter(3, { modules: { [shared]: { in: 4096, out: 16 } } }));
    for (const paths of [
      [wide, minibench("cola")],
      [minibench("cola"), wide],
      [minibench("sst2"), minibench("cola"), wide],
    ]) {
      const page = explorer();
      const cards = await Promise.all(paths.map((path) => page.open(handed(path, basename(path)))));
      const ids = cards.map(({ id }) => id);
      const adapters = await Promise.all(
        paths.map(async (path) => openAdapter(handedFolder(handed(path, basename(path))))),
      );
      const message = await auditSet(wasmKernels(), adapters, paths).then(
        () => "",
        (error: Error) => error.message,
      );
      expect(message).toMatch(
        / adapt different bases: model\.layers\.3\.self_attn\.q_proj is .* merge adapters of one base model\.$/,
      );
      const seen: ModuleOverview[] = [];
      await expect(page.overview(ids, (module) => seen.push(module))).rejects.toThrow(message);
      expect(seen).toEqual([]);
      await expect(page.openModule(ids, shared, PAPER)).rejects.toThrow(message);
      const chosen = cards.map(({ id, name }) => ({ id, name, weight: 1 }));
      expect(await page.estimate(chosen, { method: "average" })).toEqual({ refused: message });
      await expect(page.merge(chosen, { method: "average" }, () => {})).rejects.toThrow(message);
    }
  });

  it("ends a merge that is cancelled", async () => {
    const page = explorer();
    const cards = await Promise.all(SEEN.map((task) => page.open(handed(minibench(task), task))));
    const chosen = cards.map(({ id, name }) => ({ id, name, weight: 1 }));
    const merging = page.merge(chosen, { method: "lego" }, ({ done }) => done === 2 && void page.cancelMerge());
    await expect(merging).rejects.toThrow(/abort/i);
  });

  it("looks at each adapter alone where a module has too many units to compare, and refuses to show that module", async () => {
    const folder = tempFolder();
    const modules = { few: { in: 8, out: 8, rank: 2 }, many: { in: 8, out: 8, rank: 820 } };
    const config = { rank_pattern: { many: 820 } };
    const page = explorer();
    const cards = await Promise.all(
      [1, 2, 3, 4, 5].map((seed) => {
        const name = `adapter-${seed}`;
        writeAdapter(join(folder, name), randomAdapter(seed, { modules, config }));
        return page.open(handed(join(folder, name), name));
      }),
    );
    const seen: ModuleOverview[] = [];
    const ids = cards.map(({ id }) => id);
    const { audit } = await page.overview(ids, (module) => seen.push(module));
    const [few, many] = seen;
    expect([few!.name, many!.name]).toEqual(["few", "many"]);
    expect(many).toMatchObject({ signConflicts: null, purity: null });
    expect(new Set(many!.cosines.flat())).toEqual(new Set([null]));
    expect(few!.cosines[0]![1]).not.toBeNull();
    const whole = Math.hypot(...seen.map(({ norms }) => norms[0]!));
    expect(audit.adapters[0]!.norm).toBeCloseTo(whole, 5);
    expect(audit.findings.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/^Adapters are not compared in 1 of 2 modules, which has more than 4096 units/),
    );
    await expect(page.openModule(ids, "many", PAPER)).rejects.toThrow(
      "many has 4100 units over all adapters, but at most 4096 can be compared at once",
    );
  });

  it("shows a module's units in a plane, and any k of its clusters", async () => {
    const page = explorer();
    const cards = await Promise.all(SEEN.map((task) => page.open(handed(minibench(task), task))));
    const ids = cards.map(({ id }) => id);
    const name = (await page.modules(ids))[0]!;
    const plane = await page.openModule(ids, name, PAPER);
    expect(plane.units).toHaveLength(42);
    for (const [i, one] of plane.coordinates.entries()) {
      const { lengthA, lengthB } = plane.units[i]!;
      const other = plane.coordinates[0]!;
      const squared = one.reduce((sum, value, axis) => sum + (value - other[axis]!) ** 2, 0);
      const lengths = [lengthA ** 2 + lengthB ** 2, plane.units[0]!.lengthA ** 2 + plane.units[0]!.lengthB ** 2];
      const exact = lengths[0]! + lengths[1]! - 2 * plane.cosines[i]![0]! * Math.sqrt(lengths[0]! * lengths[1]!);
      expect(squared).toBeLessThanOrEqual(exact + 1e-9);
      expect(squared).toBeGreaterThan(0.9 * exact - 1e-9);
    }
    for (let k = 1; k <= 42; k++) {
      const found = await page.cluster(name, k, PAPER);
      expect(found.clusters).toHaveLength(k);
      expect(found.clusters.flatMap(({ members }) => members).sort((p, q) => p - q)).toEqual([...Array(42).keys()]);
    }
    expect(await page.cluster(name, 6, PAPER)).toEqual(await page.cluster(name, 6, PAPER));
  });

  it("clusters alike whatever was clustered before, in every gauge, sign and metric", async () => {
    const page = explorer();
    const cards = await Promise.all(SEEN.map((task) => page.open(handed(minibench(task), task))));
    const ids = cards.map(({ id }) => id);
    const name = (await page.modules(ids))[0]!;
    const kinds = (["raw", "balanced", "svd"] as const).flatMap((gauge) =>
      (["none", "canonical", "line"] as const).flatMap((sign) =>
        (["euclidean", "cosine", "transport"] as const).map((metric) => ({ ...PAPER, gauge, sign, metric })),
      ),
    );
    await page.openModule(ids, name, PAPER);
    const found = [];
    for (const options of kinds) for (const k of [11, 6]) found.push(await page.cluster(name, k, options));
    for (const options of kinds.toReversed()) {
      await page.openModule(ids, name, options);
      for (const k of [6, 11]) expect(await page.cluster(name, k, options)).toEqual(found.pop());
    }
    expect(found).toEqual([]);
  });

  it("keeps what is asked at once apart: modules, clusterings and overviews that share memory take turns", async () => {
    const page = explorer();
    const cards = await Promise.all(SEEN.map((task) => page.open(handed(minibench(task), task))));
    const ids = cards.map(({ id }) => id);
    const [one, other] = (await page.modules(ids)) as [string, string];
    const alone = await explored(explorer(), SEEN.slice(0, 3));
    const [plane, , late] = await Promise.allSettled([
      page.openModule(ids, one, PAPER),
      page.openModule(ids, other, PAPER),
      page.cluster(one, 6, PAPER),
    ]);
    expect(plane).toMatchObject({ status: "fulfilled", value: { name: one } });
    expect(late).toMatchObject({ status: "rejected" });
    const seen: ModuleOverview[] = [];
    const first = page.overview(ids, () => {}).catch(() => "ended");
    await page.overview(ids.slice(0, 3), (module) => seen.push(module));
    expect(await first).toBe("ended");
    expect(seen).toEqual(alone);
  });

  it("gives the figures of a module that the merge's report gives", async () => {
    const page = explorer();
    const cards = await Promise.all(SEEN.map((task) => page.open(handed(minibench(task), task))));
    const ids = cards.map(({ id }) => id);
    const chosen = cards.map(({ id, name }) => ({ id, name, weight: 1 }));
    const { report } = await page.merge(chosen, { method: "lego", target: { kind: "rank", rank: 6 } }, () => {});
    const module = report.modules[5]!;
    await page.openModule(ids, module.name, PAPER);
    const found = await page.cluster(module.name, 6, PAPER);
    expect(found.inertia).toBeCloseTo(module.inertia!, 4);
    expect(found.normRatio).toBeCloseTo(module.normRatio!, 4);
    expect(found.energy).toBeCloseTo(module.energy!, 4);
    expect(found.clusters.map(({ members }) => members.length)).toEqual(
      module.clusters!.map(({ members }) => members.length),
    );
  });

  it("clusters for purity at the rank where a module's k begins", async () => {
    const page = explorer();
    const cards = await Promise.all(SEEN.map((task) => page.open(handed(minibench(task), task))));
    const ids = cards.map(({ id }) => id);
    const seen: ModuleOverview[] = [];
    const { audit } = await page.overview(ids, (module) => seen.push(module));
    const rank = audit.recommendation!.lego!.rank;
    expect(rank).toBe(12);
    expect(new Set(seen.map(({ purity }) => purity!.rank))).toEqual(new Set([rank]));
    const module = seen[5]!;
    await page.openModule(ids, module.name, PAPER);
    const { purity } = await page.cluster(module.name, rank, PAPER);
    expect(purity.purity).toBe(module.purity!.purity);
  });

  it("clusters again for purity what was read before all adapters were known", async () => {
    const folder = tempFolder();
    const sizes = { in: 24, out: 24 };
    const [early, late, last] = ["layers.0", "layers.1", "layers.2"].map((layer) => `${layer}.q_proj`) as [
      ...[string, string, string],
    ];
    const adapterOf = (seed: number, rank: number, names: readonly string[]): HandedFolder => {
      const modules = Object.fromEntries(names.map((name) => [name, sizes]));
      const path = writeAdapter(join(folder, `adapter-${seed}`), randomAdapter(seed, { rank, modules }));
      return handed(path, basename(path));
    };
    const page = explorer();
    const ids: number[] = [];
    for (const own of [
      adapterOf(1, 2, [early, late, last]),
      adapterOf(2, 2, [early, late, last]),
      adapterOf(3, 8, [late, last]),
    ])
      ids.push((await page.open(own)).id);
    const seen: ModuleOverview[] = [];
    const { audit } = await page.overview(ids, (module) => seen.push(module));
    const rank = audit.recommendation!.lego!.rank;
    // Two adapters of four units together are all that the first module tells of.
    expect(seen[0]).toMatchObject({ name: early, purity: { rank: 2 } });
    const shown = new Map(seen.map((module) => [module.name, module]));
    for (const [name, { purity }] of shown) {
      await page.openModule(ids, name, PAPER);
      const k = Math.min(rank, name === early ? 4 : 12);
      expect(purity!.rank).toBe(k);
      expect(purity!.purity).toBe((await page.cluster(name, k, PAPER)).purity.purity);
    }
    expect(rank).toBeGreaterThan(2);
    // What was clustered at that rank already is not told of twice.
    expect(new Set(seen.map(({ name, purity }) => `${name} ${purity!.rank}`)).size).toBe(seen.length);
    expect(shown.get(early)).toEqual({ ...seen[0], purity: shown.get(early)!.purity });
  });

  it("looks at every module: norms and effective ranks as inspect gives them, similar to itself, purity a share", async () => {
    const page = explorer();
    const twins = [minibench("cola"), minibench("cola"), minibench("sst2")];
    const cards = await Promise.all(twins.map((path, t) => page.open(handed(path, `adapter ${t}`))));
    const told = new Map<string, ModuleOverview>();
    await page.overview(
      cards.map(({ id }) => id),
      (module) => told.set(module.name, module),
    );
    const seen = [...told.values()];
    expect(seen).toHaveLength(28);
    const [cola, , sst2] = await Promise.all(
      twins.map(async (path) => inspectOpened(wasmKernels(), await openAdapter(handedFolder(handed(path, path))))),
    );
    for (const [m, { name, norms, effectiveRanks, cosines, purity, signConflicts }] of seen.entries()) {
      for (const [t, { modules }] of [cola!, cola!, sst2!].entries()) {
        expect(modules[m]!.name).toBe(name);
        expect(norms[t]).toBeCloseTo(modules[m]!.norm, 5);
        expect(effectiveRanks[t]).toBeCloseTo(modules[m]!.effectiveRank, 5);
      }
      expect(cosines[0]![1]).toBeCloseTo(1, 9);
      expect(Math.abs(cosines[0]![2]!)).toBeLessThan(0.9);
      expect(purity!.purity).toBeLessThanOrEqual(1);
      expect(purity!.purity).toBeGreaterThan(0);
      // Of three pairs one agrees everywhere.
      expect(signConflicts).toBeLessThan(0.5);
    }
  });
});
