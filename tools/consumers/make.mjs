/**
 * Writes test/golden/consumers: adapters, and what real programs make of them once lora-lego has converted or merged them. The tests hold
 * our files to these facts without Python: the files must be the very bytes that the programs loaded.
 *
 *   python3 -m venv venv && venv/bin/pip install -r tools/consumers/requirements.txt      (5 GB with torch)
 *   git clone --branch v0.9.1 https://github.com/comfyanonymous/ComfyUI      (which is not on PyPI)
 *   npm run build && node tools/consumers/make.mjs venv/bin/python ComfyUI
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encodeSafetensors } from "../../build/lib/formats/safetensors/write.js";
import { convertAdapter, mergeToFolder } from "../../build/lib/node/index.js";
import { CASES } from "./cases.mjs";

const here = fileURLToPath(new URL("./", import.meta.url));
const golden = fileURLToPath(new URL("../../test/golden/consumers/", import.meta.url));
const [python, comfyui] = process.argv.slice(2);
if (comfyui === undefined) {
  throw new Error(
    "Pass the Python that has the packages of tools/consumers/requirements.txt, and the folder of ComfyUI.",
  );
}

const work = mkdtempSync(join(tmpdir(), "consumers-"));
const jobs = [];
for (const [number, case_] of CASES.entries()) {
  const folder = join(golden, case_.id);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeInput(folder, case_, number);
  for (const { program, to, parts, tolerance = 2e-6, whole = true } of case_.judges) {
    const id = `${case_.id} ${to === undefined ? "merged" : `to ${to}`} for ${program}`;
    const out = join(work, id.replaceAll(" ", "-"));
    const made = await make(folder, case_, to, out);
    const names = Object.fromEntries(Object.keys(case_.modules).map((name) => [name, parts?.(name) ?? [name]]));
    jobs.push({ id, case: case_.id, program, to: to ?? null, model: case_.model, tolerance, whole, names, ...made });
  }
}
const asked = join(work, "jobs.json");
writeFileSync(asked, JSON.stringify(jobs.map(({ id, program, model, path }) => ({ id, program, model, path }))));
const judged = JSON.parse(
  execFileSync(python, [join(here, "judge.py"), asked, comfyui], {
    maxBuffer: 1 << 28,
    stdio: ["ignore", "pipe", "inherit"],
  }).toString(),
);
const facts = jobs.map(({ path, ...job }) => ({ ...job, ...rounded(judged.jobs[job.id]) }));
const lines = facts.map((fact) => JSON.stringify(fact)).join(",\n");
writeFileSync(
  join(golden, "facts.json"),
  `{"versions": ${JSON.stringify(judged.versions)},\n"facts": [\n${lines}\n]}\n`,
);
rmSync(work, { recursive: true });
for (const { id, refused, deltas } of facts)
  console.log(`${id}: ${refused ?? `${Object.keys(deltas).length} modules`}`);

/** A PEFT folder of multiples of 1/64, which every element type holds. */
function writeInput(folder, { modules, config, dtype = "F32", baseConfig }, seed) {
  let state = seed + 1;
  const values = (shape) => {
    const count = shape.reduce((product, size) => product * size, 1);
    return Float32Array.from({ length: count }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return ((state >>> 16) % 129) / 64 - 1;
    });
  };
  const encode = (name, shape) => {
    const f32 = values(shape);
    const bf16 = Uint16Array.from(new Uint32Array(f32.buffer), (bits) => bits >>> 16);
    return { name, dtype, shape, data: new Uint8Array((dtype === "BF16" ? bf16 : f32).buffer) };
  };
  const tensors = Object.entries(modules).flatMap(([name, [inputs, out, rank, kind]]) => {
    const stem = `base_model.model.${name}.lora_`;
    const kernel = Array.isArray(kind) ? kind : [];
    const [a, b] = kind === "embedding" ? ["embedding_A", "embedding_B"] : ["A.weight", "B.weight"];
    return [encode(stem + a, [rank, inputs, ...kernel]), encode(stem + b, [out, rank, ...kernel.map(() => 1)])];
  });
  writeFileSync(join(folder, "adapter_model.safetensors"), encodeSafetensors(tensors, { format: "pt" }));
  const targets = [...new Set(Object.keys(modules))];
  const fields = { peft_type: "LORA", base_model_name_or_path: "tiny", target_modules: targets, ...config };
  writeFileSync(join(folder, "adapter_config.json"), `${JSON.stringify(fields, null, 1)}\n`);
  if (baseConfig !== undefined) writeFileSync(join(folder, "base-config.json"), `${JSON.stringify(baseConfig)}\n`);
}

/** What lora-lego makes of an input: where a program finds it, and the SHA-256 of its weights and config. */
async function make(folder, { baseConfig }, to, out) {
  const single = to === "kohya";
  const base = baseConfig === undefined ? {} : { baseConfig: join(folder, "base-config.json") };
  if (to === undefined) await mergeToFolder([folder], { method: "cat" }, { out });
  else await convertAdapter(folder, { to, out: single ? `${out}.safetensors` : out, ...base });
  const weights = { mlx: "adapters.safetensors", diffusers: "pytorch_lora_weights.safetensors" }[to];
  const file = single ? `${out}.safetensors` : join(out, weights ?? "adapter_model.safetensors");
  const files = single || to === "diffusers" ? [file] : [file, join(out, "adapter_config.json")];
  const sha256 = files.map((path) => createHash("sha256").update(readFileSync(path)).digest("hex"));
  return { path: single || to === "diffusers" ? file : out, sha256 };
}

/** Deltas to six significant digits. */
function rounded({ refused, deltas }) {
  if (refused !== undefined) return { refused };
  const digits = (rows) => rows.map((row) => row.map((value) => Number(value.toPrecision(6))));
  return { deltas: Object.fromEntries(Object.entries(deltas).map(([name, rows]) => [name, digits(rows)])) };
}
