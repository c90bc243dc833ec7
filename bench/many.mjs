/**
 * LEGO on more units than have a matrix of all pairs: 200 adapters of rank 64 (12,800 units per module) of Llama-2-7B's shape, all 224
 * modules. Layer 0 has values; the others are holes in the files, so that inputs of 64 GB take 2 GB of the disk. First the objective of
 * the bounded way against the exact search on the same units where both run, then the time and the memory of planning the merge of
 * all layers, and of merging layer 0 out of them, which also hashes whole inputs. Inputs lie in a temporary folder (TMPDIR) and are removed.
 *
 * With --all-layers, only the merge of all 224 modules: every other layer of an adapter takes the values that layer 0 has in another
 * adapter. That needs 66 GB of disk, and 75 minutes of a processor.
 *
 *   npm run build && node bench/many.mjs [ADAPTERS] [--all-layers]
 */
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { wasmKernels } from "../build/lib/kernels/wasm.js";
import { lego } from "../build/lib/methods/lego/lego.js";
import { PAPER } from "../build/lib/methods/lego/options.js";
import { moduleMemory } from "../build/lib/methods/module-memory.js";
import { runModule, runStreamed } from "../build/lib/methods/run-module.js";
import { openAdapters } from "../build/lib/node/index.js";
import { Pool } from "../build/lib/units/pool.js";
import { StreamedPool } from "../build/lib/units/streamed-pool.js";
import { makeInputs } from "./make-inputs.mjs";
import { run } from "./measure.mjs";

const { values, positionals } = parseArgs({ options: { "all-layers": { type: "boolean" } }, allowPositionals: true });
const ADAPTERS = Number(positionals[0] ?? 200);
const SHAPE = { layers: 32, filled: 1, rank: 64, directions: 400 };
const K = 64;
const folder = mkdtempSync(join(tmpdir(), "lora-lego-many-"));
try {
  const paths = makeInputs(folder, ADAPTERS, SHAPE);
  const out = join(folder, "merged");
  const merge = async (what, ...flags) => {
    const { seconds, processor, megabytes } = await run([
      ...[process.execPath, "dist/cli/main.js", "merge", ...paths, "--out", out],
      ...["--method", "lego", "--rank", K, "--threads", 2, ...flags],
    ]);
    const times = `${seconds.toFixed(0)} s, ${processor.toFixed(0)} s of a processor`;
    console.log(
      `${ADAPTERS} adapters, ${ADAPTERS * SHAPE.rank} units per module: ${what} in ${times}, ${megabytes.toFixed(0)} MB`,
    );
  };
  if (values["all-layers"]) {
    fillLayers(paths);
    await merge("merging all layers", "--report", `${out}.json`);
  } else {
    for (const count of [40, 62]) await compare(paths.slice(0, count));
    await merge("planning all layers", "--dry-run");
    await merge("merging layer 0 of them", "--include", "layers.0.**", "--report", `${out}.json`);
  }
  const { modules, timings } = JSON.parse(readFileSync(`${out}.json`, "utf8"));
  for (const { name, inertia } of modules) console.log(`${name}: objective ${inertia}`);
  console.log(JSON.stringify(timings));
} finally {
  rmSync(folder, { recursive: true });
}

/**
 * Give layer l of adapter t the bytes of layer 0 of adapter t + l, so that no two layers meet their units in the same order. The tensors
 * of a layer lie together, in the same order in all layers.
 */
function fillLayers(paths) {
  const files = paths.map((path) => openSync(join(path, "adapter_model.safetensors"), "r+"));
  const begins = layerBegins(files[0]);
  const layer = new Uint8Array(begins[1] - begins[0]);
  for (const [t, file] of files.entries()) {
    for (const [l, begin] of begins.entries()) {
      if (l === 0) continue;
      readSync(files[(t + l) % files.length], layer, 0, layer.length, begins[0]);
      writeSync(file, layer, 0, layer.length, begin);
    }
  }
  for (const file of files) closeSync(file);
}

/** Where the bytes of each layer begin in a file, the same in all of these. */
function layerBegins(file) {
  const length = new BigUint64Array(1);
  readSync(file, length, 0, 8, 0);
  const json = Buffer.alloc(Number(length[0]));
  readSync(file, json, 0, json.length, 8);
  const begins = new Array(SHAPE.layers).fill(Number.POSITIVE_INFINITY);
  for (const [name, tensor] of Object.entries(JSON.parse(json))) {
    if (name === "__metadata__") continue;
    const layer = Number(/layers\.(\d+)\./.exec(name)[1]);
    begins[layer] = Math.min(begins[layer], 8 + json.length + tensor.data_offsets[0]);
  }
  return begins;
}

/** The objectives and times of both ways on the first module. */
async function compare(paths) {
  const opened = await openAdapters(paths);
  const [name] = opened[0].adapter.modules.keys();
  const parts = opened.map(({ adapter }, input) => {
    const module = adapter.modules.get(name);
    return { input, name: adapter.name, weight: 1, module, files: adapter.files, scale: module.scale };
  });
  const method = { method: lego, options: PAPER, target: { kind: "rank", rank: K }, after: null, firstInput: 0 };
  const memory = (streamed) =>
    moduleMemory(
      parts.map(({ module }) => module),
      [method],
      0,
      streamed,
    );
  const weights = parts.map(() => 1);
  const timed = async (merge) => {
    const start = performance.now();
    const { merged } = await merge();
    return { inertia: merged.inertia, seconds: (performance.now() - start) / 1000 };
  };
  const streamed = await timed(async () =>
    runStreamed(await StreamedPool.survey(wasmKernels(), parts, memory(true)), method, weights),
  );
  const exact = await timed(async () =>
    runModule(await Pool.survey(wasmKernels(), parts, memory(false), false), method, weights),
  );
  console.log(
    `${paths.length * SHAPE.rank} units: objective ${(100 * (streamed.inertia / exact.inertia - 1)).toFixed(3)}% above the exact search's, ${streamed.seconds.toFixed(1)} s and ${exact.seconds.toFixed(1)} s`,
  );
  for (const { close } of opened) close();
}
