import { RefusedError } from "../../core/errors.ts";
import { isJsonObject, parseStrictJson } from "../../formats/json.ts";
import type { AdapterModule, TensorRef } from "../adapter.ts";
import type { Dialect } from "../dialect.ts";
import { type FactorKey, pairFactors } from "../factor-pairs.ts";
import { moduleOfFactors } from "../module-of-factors.ts";
import { moduleOfKohya, PATHS_METADATA } from "../names/kohya.ts";
import { addModule, plainAdapter, scalesOfAlphas } from "../plain-adapter.ts";

const FACTOR = /^(.+?)[._]lora_(down|up)\.weight$/;
const ALPHA = /^(.+)\.alpha$/;

/**
 * The dialect of kohya's sd-scripts: <prefix>_<module path with underscores>.lora_down.weight (r, in), .lora_up.weight (out, r) and
 * .alpha, scale alpha / r; an alpha that is missing or 0 stands for r.
 */
export const kohya: Dialect = {
  id: "kohya",
  title: "kohya / sd-scripts",
  recognises: (key) => FACTOR.test(key),
  async read({ name, files, tensors, metadata }) {
    const { pairs, others } = pairFactors(name, tensors.values(), factorKey, { a: "lora_down", b: "lora_up" });
    const modules = new Map<string, AdapterModule>();
    const scaleOf = await scalesOfAlphas(name, files, alphasOf(name, others));
    const kept = keptPaths(name, metadata.get(PATHS_METADATA));
    for (const { path, a, b } of pairs) {
      const module = moduleOfFactors(name, kept.get(path) ?? moduleOfKohya(path), "linear", a, b);
      addModule(name, modules, { ...module, scale: scaleOf(path, module.rank) });
    }
    const baseModel = metadata.get("ss_base_model_version") ?? metadata.get("ss_sd_model_name") ?? null;
    return plainAdapter("kohya", { name, files, modules, baseModel });
  },
};

function factorKey(key: string): FactorKey | null {
  const match = FACTOR.exec(key);
  return match === null ? null : { path: match[1]!, half: match[2] === "down" ? "a" : "b" };
}

function keptPaths(name: string, text: string | undefined): Map<string, string> {
  const fields = text === undefined ? {} : parseStrictJson(text, `${name}: ${PATHS_METADATA}`);
  const entries = isJsonObject(fields) ? Object.entries(fields) : [];
  return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}

/** The alpha tensors by module; anything else beside the factors would be lost. */
function alphasOf(name: string, others: readonly TensorRef[]): Map<string, TensorRef> {
  const alphas = new Map<string, TensorRef>();
  for (const tensor of others) {
    const match = ALPHA.exec(tensor.name);
    if (match === null) throw refused(name, tensor.name);
    alphas.set(match[1]!.replace(/[._]lora$/, ""), tensor);
  }
  return alphas;
}

function refused(name: string, key: string): RefusedError {
  if (key.endsWith(".dora_scale")) {
    return new RefusedError(
      `${name} is a DoRA adapter (tensor ${key}), whose magnitudes no sum of low-rank deltas can carry; fuse it into its base model instead.`,
    );
  }
  if (key.endsWith(".lora_mid.weight")) {
    return new RefusedError(
      `${name} factors its convolutions into three (tensor ${key}), which B A cannot carry; train it without the CP decomposition (use_cp / use_tucker).`,
    );
  }
  return new RefusedError(
    `${name}: the tensor ${key} is no part of a plain LoRA adapter; merge adapters that hold lora_down, lora_up and alpha only.`,
  );
}
