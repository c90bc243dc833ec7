/**
 * Clustering quality beside scikit-learn: for each module of given adapters, LEGO's objective over that of
 * KMeans(n_init=10) on the same units (bench/baseline/objective.py).
 *
 *   BENCH_PYTHON=.venv/bin/python node bench/objective.mjs K ADAPTER...
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { mergeInMemory } from "../dist/index.js";
import { openAdapters } from "../dist/node/index.js";

const TOLERANCE = 1e-4;
const [k, ...paths] = process.argv.slice(2);
const script = fileURLToPath(new URL("baseline/objective.py", import.meta.url));
const theirs = JSON.parse(
  execFileSync(process.env.BENCH_PYTHON ?? "python3", [script, "--k", k, ...paths], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  }),
);
const opened = await openAdapters(paths);
const target = { kind: "rank", rank: Number(k) };
const { report } = await mergeInMemory(
  opened.map(({ adapter }) => adapter),
  { method: "lego", target, extras: "drop", allowPartial: true },
);
const ratios = report.modules.map(({ name, inertia }) => ({ name, ratio: inertia / theirs[name], inertia }));
const worse = ratios.filter(({ ratio, inertia }) => !(ratio <= 1 + TOLERANCE || inertia < 1e-9));
const total = (values) => values.reduce((sum, value) => sum + value, 0);
console.log(
  `${ratios.length} modules at k ${k}: worse than KMeans(n_init=10) on ${worse.length}, better by more than 1e-4 on ${ratios.filter(({ ratio }) => ratio < 1 - TOLERANCE).length}`,
);
console.log(
  `sum of objectives ${total(ratios.map(({ inertia }) => inertia)).toFixed(4)}, scikit-learn ${total(Object.values(theirs)).toFixed(4)}`,
);
for (const { name, ratio } of worse) console.log(`worse: ${name} ${ratio}`);
process.exitCode = worse.length === 0 ? 0 : 1;
