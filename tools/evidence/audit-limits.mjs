/**
 * The figures that `lora-lego audit --of` looks at, beside the accuracies in docs/evidence.json, so that its limits can be checked
 * (docs/audit.md). Prints three tables.
 *
 *   npm run build && node tools/evidence/audit-limits.mjs
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { auditMerged, mergeToFolder } from "../../dist/node/index.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const evidence = JSON.parse(readFileSync(join(root, "docs/evidence.json"), "utf8"));
const SEEN = ["cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst2"];
const FACTORED = ["lego", "lego svd gauge", "average", "iso_c", "iso_cts", "tsv", "ctm", "ties_svd"];
/** Adapters, and the studies with their merges as they are and times the computed factor. */
const FACTOR_SETS = [
  ["llama/all", SEEN, "methods-llama-all", "factor-llama-all-computed"],
  ["gpt2/all", SEEN, "methods-gpt2-all", "factor-gpt2-all-computed"],
  ["llama/qv", SEEN, "methods-llama-qv", "factor-llama-qv-computed"],
  ["gpt2/all", SEEN.slice(0, 2), "factor-gpt2-2", "factor-gpt2-2-computed"],
  ["gpt2/all", SEEN.slice(0, 3), "factor-gpt2-3", "factor-gpt2-3-computed"],
];
const scratch = mkdtempSync(join(tmpdir(), "lora-lego-limits-"));
try {
  await showRanks();
  await showFactors();
  await showLeast();
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** How each rank of LEGO and of the average looks, and what it scores. */
async function showRanks() {
  console.log(
    "| model, method, rank | room | idle ranks | purity by chance | seen, % |\n| --- | ---: | ---: | ---: | ---: |",
  );
  for (const model of ["llama", "gpt2"]) {
    const { merges } = evidence[`ranks-${model}-all`];
    for (const { name, rank, plain } of merges.filter((merge) => ["lego", "average"].includes(merge.name))) {
      const { room, idleRanks, signatures } = await auditOf(`${model}/all`, SEEN, name, rank);
      const purity = signatures.find(({ id }) => id === "mixed-clusters").figure;
      const cells = [room, idleRanks, purity].map((figure) => (figure === null ? "-" : figure.toFixed(3)));
      console.log(`| ${[`${model}, ${name}, ${rank}`, ...cells, percent(plain.seen)].join(" | ")} |`);
    }
  }
}

/** How much a computed factor gains, by whether it is within the limits. */
async function showFactors() {
  const gains = { within: [], beyond: [] };
  console.log("\n| adapters, method | factor | gain, points |\n| --- | ---: | ---: |");
  for (const [folder, tasks, plain, computed] of FACTOR_SETS) {
    for (const name of FACTORED) {
      const { autoScale, signatures } = await auditOf(folder, tasks, name, 6);
      const seen = (study) =>
        evidence[study].merges.find((merge) => merge.name === name && merge.rank === 6).plain.seen;
      const gain = 100 * (seen(computed) - seen(plain));
      const found = signatures.some(({ id, found: is }) => id.startsWith("scale-") && is);
      gains[found ? "beyond" : "within"].push(gain);
      console.log(`| ${folder}, ${tasks.length}, ${name} | ${autoScale.factor} | ${gain.toFixed(1)} |`);
    }
  }
  for (const [where, all] of Object.entries(gains)) {
    const mean = all.reduce((sum, gain) => sum + gain, 0) / all.length;
    const losses = all.filter((gain) => gain < 0).length;
    const [least, most] = [Math.min(...all), Math.max(...all)].map((gain) => gain.toFixed(1));
    console.log(
      `${where} the limits: ${all.length} merges, mean ${mean.toFixed(1)} (${least} to ${most}), ${losses} lose`,
    );
  }
}

/** How much of the adapter that it holds least of a merge by tsv holds, with fewer ranks than adapters and with as many or more. */
async function showLeast() {
  const figures = { fewer: [], enough: [] };
  console.log("\n| model, adapters, rank | least kept |\n| --- | ---: |");
  for (const model of ["llama", "gpt2"]) {
    for (const count of [3, 5, 7]) {
      for (const rank of [2, 3, 4, 5, 6, 8, 12]) {
        const { signatures } = await auditOf(`${model}/all`, SEEN.slice(0, count), "tsv", rank);
        const { figure, text } = signatures.find(({ id }) => id === "badly-kept");
        figures[rank < count ? "fewer" : "enough"].push(figure);
        console.log(`| ${model}, ${count}, ${rank} | ${text} |`);
      }
    }
  }
  for (const [where, all] of Object.entries(figures)) {
    console.log(`${where} ranks: ${Math.min(...all).toFixed(2)} to ${Math.max(...all).toFixed(2)}`);
  }
}

async function auditOf(folder, tasks, name, rank) {
  const adapters = tasks.map((task) => join(root, "examples/minibench", folder, task));
  const [method, ...rest] = name.split(" ");
  const options = rest.length === 0 ? {} : { gauge: rest[0] };
  const out = join(scratch, "merged");
  const written = { out, force: true, threads: 1, report: join(out, "report.json") };
  await mergeToFolder(adapters, { method, options, target: { kind: "rank", rank } }, written);
  return auditMerged(out, { of: adapters });
}

function percent(share) {
  return (100 * share).toFixed(1);
}
