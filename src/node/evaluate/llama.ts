import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { FormatError, UsageError } from "../../core/errors.ts";
import { readText } from "../input/read-text.ts";

/** A token's number in the model's vocabulary. */
export type LlamaToken = number;

/** As much of the package node-llama-cpp (version 3) as is used here. */
export interface LlamaModule {
  /** Start llama.cpp. */
  getLlama(options: object): Promise<Llama>;
}
/** llama.cpp, started. */
export interface Llama {
  /** Load a GGUF file. */
  loadModel(options: { modelPath: string }): Promise<LlamaModel>;
  /** Free its memory. */
  dispose(): Promise<void>;
}
/** A model that is loaded. */
export interface LlamaModel {
  readonly trainContextSize: number;
  readonly tokens: { readonly bos: LlamaToken | null; readonly shouldPrependBosToken: boolean };
  /** Split a text into tokens. */
  tokenize(text: string): readonly LlamaToken[];
  /** Make room to run the model in. */
  createContext(options: object): Promise<LlamaContext>;
  /** Free its memory. */
  dispose(): Promise<void>;
}
/** Room to run a model in, with the adapters that act there. */
export interface LlamaContext {
  /** A text to evaluate. */
  getSequence(): LlamaSequence;
  /** Free its memory. */
  dispose(): Promise<void>;
}
/** A token to evaluate, and for some what to tell of the one that follows it. */
export type LlamaInput =
  | LlamaToken
  | readonly [
      LlamaToken,
      { readonly generateNext: { readonly logits: object; readonly totalLogitWeight: true; readonly options: object } },
    ];
/** What is told of the token that follows. */
export interface LlamaNext {
  readonly next: { readonly logits?: ReadonlyMap<LlamaToken, number>; readonly totalLogitWeight?: number };
}
/** One text under evaluation. */
export interface LlamaSequence {
  readonly nextTokenIndex: number;
  /** Evaluate tokens behind those that were evaluated before. */
  controlledEvaluate(input: readonly LlamaInput[]): Promise<readonly (LlamaNext | undefined)[]>;
  /** Forget all tokens. */
  clearHistory(): Promise<void>;
  /** Forget some tokens. */
  eraseContextTokenRanges(ranges: readonly { readonly start: number; readonly end: number }[]): Promise<void>;
}

const PACKAGE = "node-llama-cpp";
const INSTALL =
  "npm install node-llama-cpp@3 (beside lora-lego, or in the folder that you call it from) gives it what it needs";

/**
 * The package node-llama-cpp, which is not installed with lora-lego: beside it, else in the working folder or one above.
 *
 * @throws UsageError that says how to install it
 * @example
 * ```ts
 * import { loadLlama } from "lora-lego/evaluate";
 *
 * // With the package node-llama-cpp installed.
 * const { getLlama } = await loadLlama();
 * console.log(typeof getLlama); // function
 * ```
 */
export async function loadLlama(from: string = process.cwd()): Promise<LlamaModule> {
  const found = installedAbove(dirname(fileURLToPath(import.meta.url))) ?? installedAbove(from);
  if (found === null) {
    throw new UsageError(`Models are run by llama.cpp, in the package ${PACKAGE}, which is not installed; ${INSTALL}.`);
  }
  try {
    return (await import(found)) as LlamaModule;
  } catch (error) {
    throw new UsageError(`${PACKAGE} does not start (${(error as Error).message.split("\n")[0]}); ${INSTALL}.`);
  }
}

/** Where the package is, in node_modules of the folder or of one above; null where it is not. */
function installedAbove(folder: string): string | null {
  const at = join(folder, "node_modules", PACKAGE);
  if (existsSync(join(at, "package.json"))) {
    const { main } = JSON.parse(readText(join(at, "package.json"))) as { main?: string };
    return pathToFileURL(join(at, main ?? "dist/index.js")).href;
  }
  return dirname(folder) === folder ? null : installedAbove(dirname(folder));
}

/** llama.cpp with a base model loaded. */
export interface LoadedModel {
  readonly model: LlamaModel;
  close(): Promise<void>;
}

/** @throws FormatError when llama.cpp cannot load the file */
export async function loadModel(module: LlamaModule, path: string, threads: number): Promise<LoadedModel> {
  const llama = await module.getLlama({ gpu: false, build: "never", maxThreads: threads, logLevel: "error" });
  try {
    const model = await llama.loadModel({ modelPath: path });
    return {
      model,
      async close() {
        await model.dispose();
        await llama.dispose();
      },
    };
  } catch (error) {
    await llama.dispose();
    throw new FormatError(
      `llama.cpp cannot load ${path}: ${(error as Error).message.split("\n")[0]}; pass a GGUF file of a language model.`,
    );
  }
}
