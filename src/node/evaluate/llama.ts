import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { FormatError, UsageError } from "../../core/errors.ts";
import { readText } from "../files/read-text.ts";

/** A token's number in the model's vocabulary. */
export type LlamaToken = number;

/** The part of the package node-llama-cpp (version 3) that is used here. */
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
/** A token to evaluate, and for some tokens what to report about the next one. */
export type LlamaInput =
  | LlamaToken
  | readonly [
      LlamaToken,
      { readonly generateNext: { readonly logits: object; readonly totalLogitWeight: true; readonly options: object } },
    ];
/** What is reported about the next token. */
export interface LlamaNext {
  readonly next: { readonly logits?: ReadonlyMap<LlamaToken, number>; readonly totalLogitWeight?: number };
}
/** One text under evaluation. */
export interface LlamaSequence {
  readonly nextTokenIndex: number;
  /** Evaluate tokens after those evaluated before. */
  controlledEvaluate(input: readonly LlamaInput[]): Promise<readonly (LlamaNext | undefined)[]>;
  /** Forget all tokens. */
  clearHistory(): Promise<void>;
  /** Forget some tokens. */
  eraseContextTokenRanges(ranges: readonly { readonly start: number; readonly end: number }[]): Promise<void>;
}

const PACKAGE = "node-llama-cpp";
/** How to get it. */
function install(): string {
  return `run lora-lego setup eval (85 MB, into ${llamaHome()}), or npm install ${PACKAGE}@3 in the folder that you call it from`;
}

/** Where a checkout of lora-lego has it for its own tests (npm run setup:llama). */
const CHECKOUT = "test/llamacpp";

/** The folder into which `setup eval` installs, for all folders that lora-lego is called from. */
export function llamaHome(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return join(env.XDG_DATA_HOME || join(homedir(), ".local", "share"), "lora-lego");
}

/**
 * Load the package node-llama-cpp, which is not installed with lora-lego: from next to it, else from the working folder or one above, else
 * from where `lora-lego setup eval` puts it.
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
  const own = dirname(fileURLToPath(import.meta.url));
  const found = installedAbove(own, CHECKOUT) ?? installedAbove(from) ?? installedIn(llamaHome());
  if (found === null) {
    throw new UsageError(`llama.cpp runs the models, but its package ${PACKAGE} is not installed; ${install()}.`);
  }
  try {
    return (await import(found)) as LlamaModule;
  } catch (error) {
    throw new UsageError(`${PACKAGE} does not start (${(error as Error).message.split("\n")[0]}); ${install()}.`);
  }
}

/** The package in node_modules of the folder or of one above, or of a folder in these; null if there is none. */
function installedAbove(folder: string, within = ""): string | null {
  const found = installedIn(folder) ?? installedIn(join(folder, within));
  if (found !== null) return found;
  return dirname(folder) === folder ? null : installedAbove(dirname(folder), within);
}

function installedIn(folder: string): string | null {
  const at = join(folder, "node_modules", PACKAGE);
  if (!existsSync(join(at, "package.json"))) return null;
  const { main } = JSON.parse(readText(join(at, "package.json"))) as { main?: string };
  return pathToFileURL(join(at, main ?? "dist/index.js")).href;
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
