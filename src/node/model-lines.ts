import { existsSync } from "node:fs";
import { join } from "node:path";
import type { LoadingLine } from "../analysis/loading-lines.ts";
import { shellPath } from "../core/shell-word.ts";
import { isJsonObject, parseStrictJson } from "../formats/json.ts";
import { readText } from "./files/read-text.ts";

/** Architectures of models that generate text, which servers run. */
const GENERATES = /(?:ForCausalLM|LMHeadModel)$/;

/**
 * How to load a whole model, in programs that run its base model; none where its config names no class that loads it.
 *
 * @param path its folder on this machine
 */
export function modelLines(path: string): LoadingLine[] {
  const file = join(path, "config.json");
  const config = existsSync(file) ? parseStrictJson(readText(file), file) : null;
  if (config === null || !isJsonObject(config)) return [];
  const { architectures, _class_name: ofDiffusers } = config;
  const named = Array.isArray(architectures) ? architectures[0] : ofDiffusers;
  if (typeof named !== "string" || !/^\w+$/.test(named)) return [];
  const own: LoadingLine = {
    title: ofDiffusers === undefined ? "transformers" : "diffusers",
    line: `${named}.from_pretrained(${JSON.stringify(path)})`,
  };
  if (!GENERATES.test(named)) return [own];
  const model = shellPath(path);
  return [
    own,
    { title: "vLLM", line: `vllm serve ${model}` },
    { title: "SGLang", line: `python -m sglang.launch_server --model-path ${model}` },
    { title: "TGI", line: `text-generation-launcher --model-id ${model}` },
    { title: "mlx-lm", line: `mlx_lm.generate --model ${model} --prompt "..."` },
  ];
}
