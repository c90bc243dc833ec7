import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { encodeSafetensors } from "../../src/formats/safetensors/write.ts";
import {
  encodeTensor,
  type Nested,
  type PicoAdapter,
  randomAdapter,
  tempFolder,
  writeAdapter,
} from "../support/pico.ts";
import { lines, run } from "./run.ts";

const PREFIX = "base_model.model.";
const LFS = `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 133\n`;
const one: PicoAdapter = {
  modules: {
    q: {
      A: [
        [1, 2],
        [3, 4],
      ],
      B: [[5, 6]],
    },
  },
};

/** A case: the folder's name, how it is filled, and what is said of it, the way out included. */
type Case = readonly [name: string, fill: (folder: string) => void, said: RegExp];

const config = (name: string, fields: Record<string, unknown>, said: RegExp): Case => [
  name,
  (folder) => writeAdapter(folder, { ...one, config: fields }),
  said,
];
const tensors = (name: string, extras: Record<string, Nested>, said: RegExp): Case => [
  name,
  (folder) => writeAdapter(folder, { ...one, extras }),
  said,
];
/** Weights of other keys than PEFT's, as other tools write them: without a config. */
const foreign = (name: string, keys: string[], said: RegExp): Case => [
  name,
  (folder) => {
    mkdirSync(folder);
    writeFileSync(join(folder, "lora.safetensors"), encodeSafetensors(keys.map((key) => encodeTensor(key, [[1]]))));
  },
  said,
];
const files = (name: string, contents: Record<string, string>, said: RegExp): Case => [
  name,
  (folder) => {
    mkdirSync(folder);
    for (const [file, text] of Object.entries(contents)) writeFileSync(join(folder, file), text);
  },
  said,
];
/** An adapter with one of its files replaced, or removed by null. */
const damaged = (name: string, file: string, text: string | null, said: RegExp): Case => [
  name,
  (folder) => {
    writeAdapter(folder, one);
    if (text === null) rmSync(join(folder, file));
    else writeFileSync(join(folder, file), text);
  },
  said,
];

const CONFIG = "adapter_config.json";
const WEIGHTS = "adapter_model.safetensors";

const CASES: Case[] = [
  [
    "grouped-b",
    (folder) => writeAdapter(folder, { modules: { q: { A: [[1, 2]], B: [[[1]], [[2]]] } } }),
    /q has a grouped B \(A is \(1, 2\), B is \(2, 1, 1\)\).*; retrain it with current PEFT/,
  ],
  config("r-null", { r: null }, /r is null, but must be a finite number; correct it/),
  config("r-zero", { r: 0 }, /r is 0, but must be a whole number above 0; correct it/),
  config("r-text", { r: "2" }, /r is "2", but must be a finite number; correct it/),
  config("alpha-null", { lora_alpha: null }, /lora_alpha is null, but must be a finite number; correct it/),
  damaged(
    "alpha-nan",
    CONFIG,
    '{"peft_type": "LORA", "r": 2, "lora_alpha": NaN}',
    /column 45: expected a value.*; correct the JSON/,
  ),
  config("r-other", { r: 3 }, /gives q rank 3, but its tensor .*q\.lora_A\.weight has shape \(2, 2\); pass the config/),
  config("r-absent", { r: undefined }, /gives q rank 8, but its tensor .* has shape \(2, 2\); pass the config/),
  config("pattern-other", { rank_pattern: { q: 4 } }, /gives q rank 4, but its tensor .*\(2, 2\); pass the config/),
  config("no-type", { peft_type: undefined }, /no peft_type, but .*\(peft_type "LORA"\)/),
  config("no-targets", { target_modules: undefined }, /no target_modules.*; use the adapter's own config/),
  tensors("half-a", { [`${PREFIX}v.lora_A.weight`]: [[1]] }, /v has lora_A but no lora_B; .*save or copy it again/),
  tensors("half-b", { [`${PREFIX}v.lora_B.weight`]: [[1]] }, /v has lora_B but no lora_A; .*save or copy it again/),
  [
    "uneven",
    (folder) => writeAdapter(folder, { modules: { q: { A: [[1, 2]], B: [[1, 2]] } } }),
    /factors of q differ in rank \(A is \(1, 2\), B is \(1, 2\); expected 2 rows of A\).*; save it again with/,
  ],
  [
    "nan",
    (folder) => writeAdapter(folder, { modules: { q: { A: [[1, Number.NaN]], B: [[1]] } } }),
    /nan: the tensor base_model\.model\.q\.lora_A\.weight holds NaN or infinite .*; retrain or repair .* leave it out/,
  ],
  [
    "inf",
    (folder) => writeAdapter(folder, { modules: { q: { A: [[1]], B: [[Number.NEGATIVE_INFINITY]] } }, dtype: "F16" }),
    /inf: the tensor base_model\.model\.q\.lora_B\.weight holds NaN or infinite .*; retrain or repair .* leave it out/,
  ],
  tensors(
    "no-prefix",
    { "v.lora_A.weight": [[1]], "v.lora_B.weight": [[1]] },
    /v does not start with base_model\.model\. as PEFT's keys do; save the adapter with PEFT/,
  ),
  tensors(
    "two-heads",
    { [`${PREFIX}head.weight`]: [1], [`${PREFIX}head.modules_to_save.default.weight`]: [2] },
    /head\.modules_to_save\.default\.weight and its copy .*head\.weight differ; remove the one/,
  ),
  ["full-model", (folder) => writeAdapter(folder, { modules: {}, extras: { weight: [1] } }), /no LoRA factors.*; pass/],
  damaged("lfs-weights", WEIGHTS, LFS, /Git LFS pointer.*; run "git lfs pull"/),
  damaged("lfs-config", CONFIG, LFS, /Git LFS pointer.*; run "git lfs pull"/),
  damaged("login-page", WEIGHTS, "<!DOCTYPE html><html>", /HTML .*; download the file itself/),
  damaged("truncated", WEIGHTS, "\x20\0\0\0\0\0\0\0{", /truncated\/adapter_model\.safetensors .*; .*(download|copy)/i),
  damaged("empty-file", WEIGHTS, "", /empty-file\/adapter_model\.safetensors .*; .*(download|copy)/i),
  damaged("no-config", CONFIG, null, /no adapter_config\.json next to it, which holds rank and alpha; add it/),
  damaged("no-weights", WEIGHTS, null, /no weights next to it; add adapter_model\.safetensors/),
  damaged("config-list", CONFIG, "[]", /not hold a JSON object; use the adapter_config\.json that PEFT saved/),
  files("empty-folder", {}, /holds no adapter: expected adapter_config\.json and adapter_model\.safetensors/),
  files("trainer", { "training_args.bin": "PK" }, /training_args\.bin, .* not an adapter; pass the folder that holds/),
  files(
    "pickle",
    { "adapter_model.bin": "PK", [CONFIG]: "{}" },
    /adapter_model\.bin .*zip archive.*; copy or download/,
  ),
  [
    "runs",
    (folder) => {
      for (const step of [1, 2]) writeAdapter(join(folder, `checkpoint-${step}`), one);
    },
    /no adapter itself but 2 folders with adapters \(checkpoint-1, checkpoint-2\); pass one of them/,
  ],
  foreign("diffusers", ["unet.mid.to_q.lora_A.weight"], /has lora_A but no lora_B; the file is incomplete/),
  foreign(
    "mlx",
    ["model.layers.0.q.lora_a", "model.layers.0.q.lora_b"],
    /no adapter_config.json next to it, .*; add it/,
  ),
];

/** Adapters that are something else than a plain LoRA, and what is said of them. */
const VARIANTS: Case[] = [
  config(
    "dora",
    { use_dora: true },
    /is a DoRA adapter .*, but its file holds no magnitude .*; save the adapter again/,
  ),
  tensors("dora-tensors", { [`${PREFIX}q.lora_magnitude_vector`]: [1] }, /DoRA.*q\.lora_magnitude_vector.*; fuse it/),
  config(
    "lora-bias",
    { lora_bias: true },
    /bias next to B \(lora_bias\), but its file holds no tensor .*; save the adapter again/,
  ),
  tensors(
    "lora-bias-tensors",
    { [`${PREFIX}q.lora_B.bias`]: [1] },
    /bias next to B .*q\.lora_B\.bias.*; keep it in one, fuse it into .*--extras drop/,
  ),
  config("qalora", { use_qalora: true }, /QA-LoRA.*; retrain it as plain LoRA/),
  config(
    "replicated",
    { layer_replication: [[0, 2]] },
    /replicated \(layer_replication\), so no other adapter's layers match; retrain/,
  ),
  config("alora", { alora_invocation_tokens: [1] }, /activated LoRA .*; keep it in one of these/),
  config(
    "tokens",
    { trainable_token_indices: [0] },
    /single token embeddings .*holds no trained rows .*; save the adapter again/,
  ),
  config("arrow", { arrow_config: { top_k: 3 } }, /Arrow router.*; merge the adapters that it routes to/),
  config("velora", { velora_config: { a: 1 } }, /VeLoRA.*; retrain it as plain LoRA/),
  config("monteclora", { monteclora_config: { a: 1 } }, /MonteCLoRA.*; retrain it as plain LoRA/),
  config("kasa", { kasa_config: { a: 1 } }, /KaSA.*; retrain it as plain LoRA/),
  ...["pissa", "pissa_niter_16", "olora", "corda", "loftq", "lora_ga"].map((init) =>
    config(
      `init-${init}`,
      { init_lora_weights: init },
      new RegExp(`base changed by its "${init}" init.*; convert it .*--from-init.*, or save it again`),
    ),
  ),
  config(
    "enable-lora",
    { enable_lora: [true, false, true] },
    /MergedLinear.*enable_lora.*; retrain it with current PEFT/,
  ),
  config(
    "ia3",
    { peft_type: "IA3" },
    /peft_type "IA3" in its config, but tensors of peft_type "LORA" .*; pass the adapter_config\.json that was saved/,
  ),
  tensors(
    "unknown-part",
    { [`${PREFIX}q.lora_C.weight`]: [1] },
    /q\.lora_C\.weight, which is not part of .*; save the adapter/,
  ),
  foreign(
    "kohya",
    ["lora_unet_a.lora_down.weight", "lora_unet_a.lora_up.weight", "lora_unet_a.dora_scale"],
    /DoRA.*fuse/,
  ),
  foreign(
    "lyco",
    ["lora_unet_a.oft_blocks", "lora_unet_a.rescale"],
    /LyCORIS .*not plain LoRA.*; merge it into its base.*lora-lego extract/,
  ),
];

describe("an adapter that is more, or something else, than a plain LoRA", () => {
  let root = "";

  beforeAll(() => {
    root = tempFolder();
    for (const [name, fill] of VARIANTS) fill(join(root, name));
  });

  it("is described by inspect, with what to do instead", async () => {
    const names = VARIANTS.map(([name]) => name);
    const { code, stdout, stderr } = await run(["inspect", ...names, "--json"], { cwd: root });
    const found: { name: string; variants: { text: string }[] }[] = JSON.parse(stdout);
    expect(found.map(({ name }) => name)).toEqual(names);
    for (const [i, [, , said]] of VARIANTS.entries()) expect(found[i]!.variants[0]!.text).toMatch(said);
    expect([code, stderr]).toEqual([0, ""]);
  });

  it("is described in lines too", async () => {
    const { code, stdout } = await run(["inspect", "dora-tensors", "lyco"], { cwd: root });
    expect(code).toBe(0);
    expect(stdout).toMatch(/is a DoRA adapter \(tensor .*lora_magnitude_vector\)/);
    expect(stdout).toMatch(/1 module \(linear\)/);
    expect(stdout).toMatch(/magnitudes of DoRA \(1\): q/);
    expect(stdout).toMatch(/tensors outside any delta \(2\): lora_unet_a\.oft_blocks/);
  });

  it.concurrent.each([
    ["merge", ["merge", "dora-tensors", "--out", "OUT"]],
    ["convert", ["convert", "kohya", "--to", "peft", "--out", "OUT"]],
    ["prune", ["prune", "qalora", "--rank", "1", "--out", "OUT"]],
    ["compare", ["compare", "lora-bias"]],
    ["verify", ["verify", "ia3"]],
  ])("is refused in one line by %s, and nothing is written", async (_, args) => {
    const out = join(tempFolder(), "out");
    const { code, stderr } = await run(
      args.map((word) => (word === "OUT" ? out : word)),
      { cwd: root },
    );
    const name = args[1]!;
    const said = VARIANTS.find(([known]) => known === name)![2];
    const errors = lines(stderr).filter((line) => line.startsWith("error: "));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(new RegExp(`^error: ${name}[ /]`));
    expect(errors[0]).toMatch(said);
    expect(code).toBe(1);
    expect(readdirSync(dirname(out))).toEqual([]);
  });
});

describe("an adapter that cannot be merged correctly", () => {
  let said: string[] = [];
  let code: number | null = null;

  beforeAll(async () => {
    const root = tempFolder();
    for (const [name, fill] of CASES) fill(join(root, name));
    const ended = await run(["inspect", ...CASES.map(([name]) => name), "--json"], { cwd: root });
    said = lines(ended.stderr);
    code = ended.code;
    expect(JSON.parse(ended.stdout)).toEqual([]);
  });

  it("makes the command fail", () => {
    expect(code).toBe(1);
    expect(said).toHaveLength(CASES.length);
  });

  // One line each, so the line of a case stands at its place.
  it.each(CASES.map(([name, , expected], i) => [name, expected, i] as const))(
    "is refused in one line with its name and the way out: %s",
    (name, expected, i) => {
      expect(said[i]).toMatch(new RegExp(`^error: ${name}[ /:]`));
      expect(said[i]).toMatch(expected);
      expect(said[i]).toMatch(/\.$/);
    },
  );
});

describe("an adapter that only looks odd", () => {
  const rank8 = randomAdapter(1, { modules: { q: { in: 9, out: 8 } }, rank: 8 });
  const kept: [string, PicoAdapter, { ranks: number[]; scales: number[] }][] = [
    ["rslora", { ...one, config: { use_rslora: true, lora_alpha: 4 } }, { ranks: [2], scales: [4 / Math.sqrt(2)] }],
    ["alpha-zero", { ...one, config: { lora_alpha: 0 } }, { ranks: [2], scales: [0] }],
    ["alpha-negative", { ...one, config: { lora_alpha: -1 } }, { ranks: [2], scales: [-0.5] }],
    ["defaults", { ...rank8, config: { r: undefined, lora_alpha: undefined } }, { ranks: [8], scales: [1] }],
    ["gaussian", { ...one, config: { init_lora_weights: "gaussian" } }, { ranks: [2], scales: [1] }],
    [
      "unset",
      { ...one, config: { use_dora: false, arrow_config: null, layer_replication: [] } },
      { ranks: [2], scales: [1] },
    ],
    ["bf16", { ...one, dtype: "BF16" }, { ranks: [2], scales: [1] }],
    ["new-fields", { ...one, config: { from_the_future: { a: 1 } } }, { ranks: [2], scales: [1] }],
    [
      "patterns",
      { ...one, config: { r: 7, rank_pattern: { q: 2 }, alpha_pattern: { q: 6 } } },
      { ranks: [2], scales: [3] },
    ],
    ["regex", { ...one, config: { target_modules: ".*q" } }, { ranks: [2], scales: [1] }],
  ];

  it("is read, with the scale that its config means", async () => {
    const root = tempFolder();
    for (const [name, adapter] of kept) writeAdapter(join(root, name), adapter);
    const { code, stdout } = await run(["inspect", ...kept.map(([name]) => name), "--json"], { cwd: root });
    const found: { name: string; ranks: number[]; scales: number[] }[] = JSON.parse(stdout);
    expect(found.map(({ name, ranks, scales }) => [name, { ranks, scales }])).toEqual(
      kept.map(([name, , figures]) => [name, figures]),
    );
    expect(code).toBe(0);
  });
});

describe("adapters that cannot be merged with each other", () => {
  const layers = (seed: number, count: number, more: Partial<PicoAdapter> = {}): PicoAdapter => {
    const names = Array.from({ length: count }, (_, i) => [`h.${i}.q`, { in: 4, out: 3 }] as const);
    return { ...randomAdapter(seed, { modules: Object.fromEntries(names) }), ...more };
  };
  const head = { [`${PREFIX}score.weight`]: [1, 2], [`${PREFIX}score.bias`]: [3] };
  const ADAPTERS: Record<string, PicoAdapter> = {
    gpt2: layers(1, 12),
    distilgpt2: layers(2, 6),
    "gpt2-low": layers(2, 6, { config: { layers_to_transform: [0, 1, 2, 3, 4, 5] } }),
    bert: randomAdapter(3, { modules: { "encoder.0.query": { in: 4, out: 3 } } }),
    wide: randomAdapter(4, { modules: { "h.0.q": { in: 5, out: 3 } } }),
    embedding: randomAdapter(4, { modules: { "h.0.q": { in: 4, out: 3, kind: "embedding" } } }),
    scored: layers(5, 12, { extras: head }),
    "scored-too": layers(6, 12, { extras: head }),
    nan: layers(7, 12, { extras: { [`${PREFIX}score.weight`]: [Number.NaN] } }),
    large: { modules: { q: { A: [[6e4, 1]], B: [[6e4], [1]] } } },
  };
  let root = "";

  beforeAll(() => {
    root = tempFolder();
    for (const [name, adapter] of Object.entries(ADAPTERS)) writeAdapter(join(root, name), adapter);
  });

  const both = (one: string, other: string, ...flags: string[]): string[] => [one, other, ...flags];
  it.concurrent.each([
    [
      "of different modules",
      both("gpt2", "bert"),
      /gpt2 \(12 modules, such as h\.0\.q\) and bert \(1 modules?, such as enc.*--allow-partial/,
    ],
    [
      "of different depth",
      both("gpt2", "distilgpt2"),
      /gpt2 .*h\.11 \(12 modules\) and distilgpt2 .*h\.5 \(6 modules\).*--allow-partial/,
    ],
    [
      "of different shapes",
      both("gpt2", "wide"),
      /gpt2 and wide .*h\.0\.q is linear 4 -> 3 .* linear 5 -> 3 .*; merge adapters of/,
    ],
    [
      "of different shapes, even with --allow-partial",
      both("gpt2", "wide", "--allow-partial"),
      /gpt2 and wide .*linear 5 -> 3/,
    ],
    [
      "of different kinds",
      both("gpt2", "embedding", "--allow-partial"),
      /gpt2 and embedding .*linear 4 -> 3 .* embedding 4 -> 3/,
    ],
    [
      "with heads",
      both("scored", "scored-too"),
      /scored, scored-too hold 2 tensors .*score\.(bias|weight), score\..*--extras drop, first or average/,
    ],
    [
      "with heads of one alone to average",
      both("scored", "gpt2", "--extras", "average"),
      /score\.\w+ cannot be averaged: gpt2 does not have it; choose --extras drop or first/,
    ],
    [
      "with a NaN in a head",
      both("gpt2", "nan", "--extras", "first"),
      /^error: nan: the tensor .*score\.weight holds NaN.*--extras drop/,
    ],
    [
      "with values beyond f16",
      ["large", "--dtype", "f16", "--scale", "100"],
      /q has values that f16 cannot hold .*; pass --dtype f32/,
    ],
  ])("are refused in one line with names and the way out: %s", async (_, args, expected) => {
    const out = join(tempFolder(), "merged");
    const { code, stdout, stderr } = await run(["merge", ...args, "--out", out], { cwd: root });
    const errors = lines(stderr).filter((line) => !line.startsWith("merging: "));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(expected);
    expect(errors[0]).toMatch(/^error: .*\.$/);
    expect([code, stdout]).toEqual([1, ""]);
    expect(readdirSync(dirname(out))).toEqual([]);
  });

  it.concurrent.each([
    ["of different depth with --allow-partial", both("gpt2", "distilgpt2", "--allow-partial")],
    ["of different modules with --allow-partial", both("gpt2", "bert", "--allow-partial")],
    ["of which one leaves layers out by its config", both("gpt2", "gpt2-low")],
    ["with heads and --extras drop", both("scored", "scored-too", "--extras", "drop")],
  ])("are merged where they may: %s", async (_, args) => {
    const out = join(tempFolder(), "merged");
    const { code, stdout } = await run(["merge", ...args, "--out", out], { cwd: root });
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`${basename(out)}: 1[23] modules`));
  });
});
