/**
 * What share of each adapter the merges of docs/evidence.json hold at the factor that was searched on dev rows, beside the share that
 * `--scale auto` aims at (docs/scale.md). Prints a table; the merges are made again, nothing is scored.
 *
 *   npm run build && node tools/evidence/scale-shares.mjs
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { auditAdapters, mergeToFolder } from "../../dist/node/index.js";
import { adapterOf, METHODS, SEEN } from "./studies.mjs";

const evidence = JSON.parse(readFileSync(fileURLToPath(new URL("../../docs/evidence.json", import.meta.url)), "utf8"));
/** Studies with searched factors, and the adapters that they merge. */
const STUDIES = [
  ["factor-gpt2-2", "gpt2", "all", 2],
  ["count-2", "llama", "all", 2],
  ["factor-gpt2-3", "gpt2", "all", 3],
  ["count-3", "llama", "all", 3],
  ["count-5", "llama", "all", 5],
  ["methods-gpt2-all", "gpt2", "all", 7],
  ["methods-llama-all", "llama", "all", 7],
  ["factor-gpt2-qv", "gpt2", "qv", 7],
  ["methods-llama-qv", "llama", "qv", 7],
].filter(([id]) => evidence[id] !== undefined);
const RANK = 6;

const scratch = mkdtempSync(join(tmpdir(), "lora-lego-shares-"));
try {
  console.log("| adapters | merges | share at the searched factor, median (quartiles) | aimed at |");
  console.log("| --- | ---: | ---: | ---: |");
  for (const [id, shape, targets, count] of STUDIES) await showStudy(id, shape, targets, count);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function showStudy(id, shape, targets, count) {
  const adapters = SEEN.slice(0, count).map((task) => adapterOf(shape, targets, task));
  const norms = (await auditAdapters(adapters)).adapters.map(({ norm }) => norm);
  const shares = [];
  let aimed;
  for (const { name, rank, searched } of evidence[id].merges) {
    if (rank !== RANK || searched === null) continue;
    const merge = METHODS.find((each) => (each.name ?? each.method) === name);
    const { share, autoScale } = await sharesOf(adapters, merge, norms);
    shares.push(searched.scale * share);
    if (autoScale.rule === "pull") aimed = autoScale.pull * share;
  }
  const sorted = shares.toSorted((a, b) => a - b);
  const at = (part) => sorted[Math.round(part * (sorted.length - 1))].toFixed(2);
  console.log(
    `| ${shape} ${targets}, ${count} | ${shares.length} | ${at(0.5)} (${at(0.25)} to ${at(0.75)}) | ${aimed.toFixed(2)} |`,
  );
}

/** sum <D', D_t> / sum |D_t|^2 of the merge as it is, from its report, and the factor that would be computed. */
async function sharesOf(adapters, { method, options = {}, after }, norms) {
  const recipe = { method, options, target: { kind: "rank", rank: RANK }, after };
  const written = { out: join(scratch, "merged"), force: true, threads: 1 };
  const { report } = await mergeToFolder(adapters, { ...recipe, scale: "auto" }, written);
  const { autoScale, totals } = report;
  const mean = norms.reduce((sum, norm) => sum + norm, 0) / norms.length;
  const merged = (totals.normRatio * mean) / autoScale.factor;
  const along = totals.cosines.reduce((sum, cosine, t) => sum + (cosine ?? 0) * merged * norms[t], 0);
  return { share: along / norms.reduce((sum, norm) => sum + norm ** 2, 0), autoScale };
}
