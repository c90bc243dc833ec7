/**
 * What a candidate of `lora-lego tune` costs, in processor time: making the merge and scoring it, and what of the merge is reading and Gram
 * matrices, which candidates could share.
 *
 *   npm run build && npm run setup:llama && node bench/tune.mjs                        seven adapters of minibench
 *   node bench/tune.mjs --base BASE.gguf --tasks ROWS.jsonl --rows 64 ADAPTER...       others
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { prepareBase } from "../build/lib/node/evaluate/gguf-inputs.js";
import { loadLlama, loadModel } from "../build/lib/node/evaluate/llama.js";
import { scoreRows } from "../build/lib/node/evaluate/score-rows.js";
import { readTaskFiles } from "../build/lib/node/evaluate/task-files.js";
import { mergeChecked } from "../build/lib/node/merge-adapters.js";
import { median } from "./measure.mjs";

const TASKS = ["cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst2"];
const MERGES = ["tsv", "ctm", "average", "lego"];
const ROUNDS = 3;
const root = fileURLToPath(new URL("..", import.meta.url));
const example = (name) => join(root, "examples/minibench", name);
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    base: { type: "string", default: example("llama/base") },
    tasks: { type: "string", multiple: true, default: TASKS.map((task) => example(`dev/${task}.jsonl`)) },
    rows: { type: "string", default: "32" },
  },
});
const adapters = positionals.length > 0 ? positionals : TASKS.map((task) => example(`llama/all/${task}`));

/** What work returns, and the processor seconds that it took. */
async function timed(work) {
  const start = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(start);
  return { result, seconds: (user + system) / 1e6 };
}

const scratch = mkdtempSync(join(tmpdir(), "lora-lego-tune-"));
try {
  const { model: file, config } = await prepareBase(scratch, values.base);
  const rows = readTaskFiles(values.tasks, { limit: Number(values.rows) });
  const { model, close } = await loadModel(await loadLlama(join(root, "test/llamacpp")), file, 1);
  console.log(
    `${adapters.length} adapters, ${rows.length} rows; processor seconds of a candidate, median of ${ROUNDS}\n`,
  );
  console.log("| method | merge | of it reading and Gram matrices | score | that part of the whole |");
  console.log("| --- | ---: | ---: | ---: | ---: |");
  let made = 0;
  for (const method of MERGES) {
    const found = [];
    for (let round = 0; round < ROUNDS; round++) {
      const out = join(scratch, `merge-${made++}.gguf`);
      const written = { out, to: "gguf", baseConfig: config, threads: 1 };
      const merge = await timed(() => mergeChecked(adapters, { method, scale: "auto" }, written, { hashes: false }));
      const { read, widen, gram } = merge.result.report.timings;
      const score = await timed(() => scoreRows(model, [{ filePath: out, scale: 1 }], rows, 1));
      rmSync(out);
      found.push([merge.seconds, read + widen + gram, score.seconds]);
    }
    const [merge, shared, score] = [0, 1, 2].map((i) => median(found.map((each) => each[i])));
    const part = (100 * shared) / (merge + score);
    console.log(
      `| ${method} | ${merge.toFixed(2)} | ${shared.toFixed(2)} | ${score.toFixed(2)} | ${part.toFixed(1)} % |`,
    );
  }
  await close();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
