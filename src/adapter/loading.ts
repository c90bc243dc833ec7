import { shellPath, shellWord } from "../core/shell-word.ts";
import type { ConsumerId } from "./consumer-facts.ts";
import { type Consumer, startOption } from "./consumers.ts";

/** What a program needs to know to load an adapter. */
export interface Loaded {
  /** The adapter's folder or file. */
  readonly path: string;
  /** Its weights file. */
  readonly weights: string;
  /** What to call it. */
  readonly name: string;
  /** The base model as the adapter names it; null if it names none. */
  readonly base: string | null;
  /** The largest rank of a module. */
  readonly rank: number;
}

/** How each program is told to load an adapter, by its documentation of the release that `Consumer.version` names. */
const LINES: Readonly<Record<ConsumerId, (loaded: Words, options: string) => string>> = {
  vllm: ({ base, module }, options) => `vllm serve ${base} --enable-lora --lora-modules ${module}${options}`,
  sglang: ({ base, name, path }) =>
    `python -m sglang.launch_server --model-path ${base} --enable-lora --lora-paths ${name}=${path}`,
  tgi: ({ base, name, path }) => `text-generation-launcher --model-id ${base} --lora-adapters ${name}=${path}`,
  llamacpp: ({ weights }) => `llama-server -m BASE.gguf --lora ${weights}`,
  mlx: ({ base, path }) => `mlx_lm.generate --model ${base} --adapter-path ${path} --prompt "..."`,
  peft: ({ quoted }) => `PeftModel.from_pretrained(model, ${quoted})`,
  diffusers: ({ quoted }) => `pipe.load_lora_weights(${quoted})`,
  comfyui: ({ weights }) => `cp ${weights} ComfyUI/models/loras/ (then the node Load LoRA)`,
};

/** The same as words of a shell, and the path as a string of Python. */
type Words = Readonly<Record<"path" | "weights" | "name" | "base" | "quoted" | "module", string>>;

/** One line that loads an adapter in a program: a command, or a call in Python. BASE stands for a base model that is not named. */
export function loadingLine(consumer: Consumer, { path, weights, name, base, rank }: Loaded): string {
  const option = startOption(consumer, rank);
  // Names and paths are told apart by =.
  const plain = name.replaceAll(/[=,]/g, "-");
  const words = {
    path: shellPath(path),
    weights: shellPath(weights),
    name: shellWord(plain),
    // What vLLM reads otherwise as several values.
    module: /[=,]/.test(path)
      ? shellWord(JSON.stringify({ name: plain, path }))
      : `${shellWord(plain)}=${shellPath(path)}`,
    base: shellWord(base ?? "BASE"),
    quoted: JSON.stringify(path),
  };
  return LINES[consumer.id](words, option === null ? "" : ` ${option}`);
}
