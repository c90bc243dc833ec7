/**
 * Writes test/golden/consumers/experts: adapters of experts that PEFT saved (target_parameters), what PEFT adds to tiny models with them, the
 * logits of these models with adapters as they are and merged by lora-lego, and what mlx-lm adds with them converted.
 *
 *   npm run build && node tools/consumers/experts.mjs venv/bin/python
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { convertAdapter, mergeToFolder } from "../../build/lib/node/index.js";

const script = fileURLToPath(new URL("./experts.py", import.meta.url));
const golden = fileURLToPath(new URL("../../test/golden/consumers/experts/", import.meta.url));
const [python] = process.argv.slice(2);
if (python === undefined) throw new Error("Pass the Python that has the packages of tools/consumers/requirements.txt.");
const run = (...args) =>
  execFileSync(python, [script, ...args], { maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "inherit"] }).toString();

rmSync(golden, { recursive: true, force: true });
run("save", golden);
const adapters = readdirSync(golden).sort();
for (const adapter of adapters) rmSync(join(golden, adapter, "README.md"), { force: true });
const work = mkdtempSync(join(tmpdir(), "experts-"));

/** Merges, and the adapters that act together in PEFT as the merged one must alone. */
const MERGES = [
  { id: "one with itself", recipe: { method: "average" }, inputs: ["one", "one"], same: ["one"] },
  { id: "the sum of two", recipe: { method: "cat" }, inputs: ["one", "two"], same: ["one", "two"] },
];
const merges = [];
for (const model of ["qwen3_moe", "gpt_oss"]) {
  for (const { id, recipe, inputs, same } of MERGES) {
    const out = join(work, `${model} ${id}`);
    const places = inputs.map((name) => join(golden, `${model}-${name}`));
    await mergeToFolder(places, recipe, { out });
    const sha256 = hashes(out, "adapter_model.safetensors");
    merges.push({ id: `${model}: ${id}`, model, recipe, inputs, same, sha256, out });
  }
}

/** The adapters that mlx-lm loads too. */
const IN_MLX = ["qwen3_moe-one", "qwen3_moe-single"];
const baseConfig = join(golden, "base-config.json");
const fields = { model_type: "qwen3_moe", num_experts: 4, hidden_size: 8, tie_word_embeddings: false };
writeFileSync(baseConfig, `${JSON.stringify(fields)}\n`);
const converted = [];
for (const name of IN_MLX) {
  const out = join(work, `${name} in mlx`);
  await convertAdapter(join(golden, name), { to: "mlx", out, baseConfig });
  converted.push({ id: `${name} in mlx`, name, sha256: hashes(out, "adapters.safetensors"), out });
}

const jobs = [
  ...adapters.map((name) => ({ id: name, program: "peft", model: name.split("-")[0], paths: [join(golden, name)] })),
  ...converted.map(({ id, out }) => ({ id, program: "mlx", model: "qwen3_moe", paths: [out] })),
  ...merges.flatMap(({ id, model, same, out }) => [
    { id: `${id}, before`, program: "peft", model, paths: same.map((name) => join(golden, `${model}-${name}`)) },
    { id: `${id}, merged`, program: "peft", model, paths: [out] },
  ]),
];
const asked = join(work, "jobs.json");
writeFileSync(asked, JSON.stringify(jobs));
const { versions, answers } = JSON.parse(run("judge", asked));
rmSync(work, { recursive: true });

const deltas = adapters.map((name) => `"${name}": ${JSON.stringify(lastLayer(answers[name]))}`);
const facts = merges.map(({ id, out, ...merge }) => {
  const [before, merged] = ["before", "merged"].map((state) => rounded(answers[`${id}, ${state}`].logits, 7));
  return JSON.stringify({ id, ...merge, before, merged });
});
const mlx = converted.map(({ id, name, sha256 }) => JSON.stringify({ name, sha256, deltas: lastLayer(answers[id]) }));
writeFileSync(
  join(golden, "facts.json"),
  `{"versions": ${JSON.stringify(versions)},\n"deltas": {\n${deltas.join(",\n")}\n},\n"merges": [\n${facts.join(",\n")}\n],\n"mlx": [\n${mlx.join(",\n")}\n]}\n`,
);
for (const { id } of merges) {
  const [before, merged] = ["before", "merged"].map((state) => answers[`${id}, ${state}`].logits.flat());
  console.log(`${id}: logits differ by ${Math.max(...merged.map((value, i) => Math.abs(value - before[i])))}`);
}

/** The SHA-256 of the files that a program reads. */
function hashes(out, weights) {
  const files = ["adapter_config.json", weights];
  return files.map((file) =>
    createHash("sha256")
      .update(readFileSync(join(out, file)))
      .digest("hex"),
  );
}

/** The deltas of one layer, which is enough of each. */
function lastLayer({ deltas }) {
  const own = Object.entries(deltas).filter(([path]) => path.includes("layers.1."));
  return rounded(Object.fromEntries(own), 5);
}

/** Numbers to some significant digits. */
function rounded(values, digits) {
  if (typeof values === "number") return Number(values.toPrecision(digits));
  if (Array.isArray(values)) return values.map((own) => rounded(own, digits));
  return Object.fromEntries(Object.entries(values).map(([key, own]) => [key, rounded(own, digits)]));
}
