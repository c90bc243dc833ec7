/** Merges and scores for the benchmarks on pretrained models: merges by this build, scores by tools/realbench/score.py, kept by content. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { mergeToFolder } from "../../dist/node/index.js";

const realbench = fileURLToPath(new URL("../realbench", import.meta.url));
/** What scores depend on beside their inputs; change it when score.py and what it calls score differently. */
const SCORERS = { minilm: "minilm, bf16, 96 tokens", smollm2: "smollm2, bf16, 96 tokens" };
const WEIGHTS = ["adapter_config.json", "adapter_model.safetensors"];

/** score.py as a process: the labels of its rows, and a request at a time. @param model minilm or smollm2 */
export async function startScorer(python, model) {
  const { next, ask, close } = startScript(python, "score.py", model);
  return { model, labels: await next(), ask, close };
}

/** A script of tools/realbench as a process: a line of JSON in, one out. */
export function startScript(python, script, ...args) {
  const env = { ...process.env, OMP_NUM_THREADS: "1", PYTHONWARNINGS: "ignore" };
  const child = spawn(python, [join(realbench, script), ...args], { env, stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`tools/realbench/${script} ended early.`);
    return JSON.parse(value);
  };
  const ask = (request) => {
    child.stdin.write(`${JSON.stringify(request)}\n`);
    return next();
  };
  return { next, ask, close: () => child.stdin.end() };
}

/** The rows of one part as a benchmark takes them. */
export function rowsOf(labels, part, tasks) {
  return tasks.flatMap((task) => labels[part][task].answers.map((answer) => ({ task, answer, part })));
}

/**
 * @param heads folder of the set whose heads answer, where the model has heads
 * @param joint folder of the joint adapter, which has its own heads; null without one
 * @param merged folder for merges, each of which is made once @param cache folder for scores
 */
export function realHost({ scorer, paths, heads, joint, merged, cache }) {
  mkdirSync(cache, { recursive: true });
  return {
    lanes: 1,
    async merge(recipe) {
      const out = join(merged, digest(JSON.stringify([paths, recipe])));
      if (!existsSync(out)) await mergeToFolder(paths, recipe, { out, threads: 1 });
      return out;
    },
    async score(adapter, scale, rows) {
      const tasks = [...new Set(rows.map(({ task }) => task))];
      const [{ part }] = rows;
      const headOf = (head) =>
        join(adapter !== null && adapter === joint ? joint : join(heads, head), `head-${head}.safetensors`);
      const content = adapter === null ? "base" : digestOf(WEIGHTS.map((name) => join(adapter, name)));
      const found = [];
      for (const task of tasks) {
        const of = scorer.labels[part][task];
        const head = scorer.model === "minilm" ? headOf(of.head) : null;
        const key = [SCORERS[scorer.model], content, adapter === null ? 1 : scale, head && digestOf([head]), of.digest];
        const place = join(cache, `${digest(JSON.stringify(key))}.json`);
        if (!existsSync(place)) {
          writeWhole(place, JSON.stringify(await scorer.ask({ adapter, content, scale, part, task, head })));
        }
        found.push(...JSON.parse(readFileSync(place, "utf8")));
      }
      return found;
    },
  };
}

const digest = (text) => createHash("sha256").update(text).digest("hex");

function digestOf(files) {
  return digest(Buffer.concat(files.map((file) => readFileSync(file))));
}

function writeWhole(path, text) {
  writeFileSync(`${path}.${process.pid}`, text);
  renameSync(`${path}.${process.pid}`, path);
}
