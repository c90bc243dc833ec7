/**
 * Writes test/golden/consumers/kinds: adapters of the newer kinds that PEFT saved, and the logits of a tiny model with them merged by
 * lora-lego, and as they must be. And test/golden/consumers/inits: adapters that began with a changed base, before and after training,
 * and as PEFT makes them plain.
 *
 *   npm run build && node tools/consumers/kinds.mjs venv/bin/python
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { mergeToFolder } from "../../build/lib/node/index.js";

const script = fileURLToPath(new URL("./kinds.py", import.meta.url));
const golden = fileURLToPath(new URL("../../test/golden/consumers/kinds/", import.meta.url));
const [python] = process.argv.slice(2);
if (python === undefined) throw new Error("Pass the Python that has the packages of tools/consumers/requirements.txt.");
const run = (...args) =>
  execFileSync(python, [script, ...args], { maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "inherit"] }).toString();

const inits = fileURLToPath(new URL("../../test/golden/consumers/inits/", import.meta.url));
for (const [mode, folder] of [
  ["save", golden],
  ["init", inits],
]) {
  rmSync(folder, { recursive: true, force: true });
  run(mode, folder);
  for (const adapter of readdirSync(folder)) rmSync(join(folder, adapter, "README.md"), { force: true });
}
const work = mkdtempSync(join(tmpdir(), "kinds-"));

const BIASES = ["bias-one", "bias-two"];
/** Merges, and the factor of each input's effect in the result, before that of the whole. */
const MERGES = [
  { id: "biases, sum", inputs: BIASES, recipe: { method: "cat", weights: [1, 0.5] }, factors: [1, 0.5] },
  { id: "biases, average", inputs: BIASES, recipe: { method: "average", weights: [1, 3] }, factors: [0.25, 0.75] },
  {
    id: "biases, factor",
    inputs: BIASES,
    recipe: { method: "svd", scale: "auto", target: { kind: "full" } },
    factors: [1, 1],
  },
  {
    id: "heads, average",
    inputs: ["head-one", "head-two"],
    recipe: { method: "average", weights: [1, 3], extras: "average" },
    factors: [0.25, 0.75],
  },
  {
    id: "token rows, average",
    inputs: ["tokens-one", "tokens-two"],
    recipe: { method: "average", weights: [1, 3] },
    factors: [0.25, 0.75],
    rows: { 1: "tokens-one", 9: "tokens-two" },
  },
  {
    id: "activated, average",
    inputs: ["alora-one", "alora-two"],
    recipe: { method: "average", weights: [1, 3] },
    factors: [0.25, 0.75],
    stacks: true,
  },
  {
    id: "DoRA baked whole, average",
    inputs: ["dora-one", "dora-two"],
    recipe: { method: "average", weights: [1, 3], dora: "bake", doraRank: 8 },
    factors: [0.25, 0.75],
  },
  { id: "biases, one alone", inputs: ["bias-one"], recipe: { method: "lego" }, factors: [1] },
];
const merges = [];
for (const { id, inputs, recipe, factors, rows = {}, stacks = false } of MERGES) {
  const out = join(work, id);
  const paths = inputs.map((name) => join(golden, name));
  const { plan } = await mergeToFolder(paths, recipe, { out, ...(recipe.dora && { base: join(golden, "base") }) });
  const terms = paths.map((place, t) => [place, factors[t] * plan.scale]);
  const places = Object.fromEntries(Object.entries(rows).map(([token, name]) => [token, join(golden, name)]));
  merges.push({ id, inputs, recipe, out, terms, stacks, rows: places, sha256: hashes(out) });
}

const jobs = merges.flatMap(({ id, out, terms, rows, stacks }) => [
  { id: `${id}, merged`, path: out },
  { id: `${id}, expected`, ...(stacks ? { stacked: terms } : { terms, rows }) },
]);
const asked = join(work, "jobs.json");
writeFileSync(asked, JSON.stringify(jobs));
const { versions, answers } = JSON.parse(run("judge", asked));
rmSync(work, { recursive: true });

const facts = merges.map(({ id, inputs, recipe, sha256 }) => {
  const [merged, expected] = ["merged", "expected"].map((state) => rounded(answers[`${id}, ${state}`]));
  return JSON.stringify({ id, inputs, recipe, sha256, merged, expected });
});
writeFileSync(
  join(golden, "facts.json"),
  `{"versions": ${JSON.stringify(versions)},\n"merges": [\n${facts.join(",\n")}\n]}\n`,
);
for (const { id } of merges) {
  const [merged, expected] = ["merged", "expected"].map((state) => answers[`${id}, ${state}`].flat());
  console.log(`${id}: logits differ by ${Math.max(...merged.map((value, i) => Math.abs(value - expected[i])))}`);
}

/** The SHA-256 of the files that PEFT reads. */
function hashes(out) {
  return ["adapter_config.json", "adapter_model.safetensors"].map((file) =>
    createHash("sha256")
      .update(readFileSync(join(out, file)))
      .digest("hex"),
  );
}

/** Numbers to seven significant digits. */
function rounded(values) {
  return values.map((row) => row.map((value) => Number(value.toPrecision(7))));
}
