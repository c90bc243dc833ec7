import { signal } from "@preact/signals";
import { type Remote, wrap } from "comlink";
import type { PageExplorer } from "../explorer.worker.ts";
import { pageWords } from "./page-words.ts";

const worker = new Worker(new URL("../explorer.worker.ts", import.meta.url), { type: "module" });

/** Why nothing can be opened; null unless the worker failed to start. */
export const explorerError = signal<string | null>(null);
worker.onerror = ({ message }) => {
  explorerError.value = `The explorer did not start${message ? ` (${message})` : ""}; it needs a browser with WebAssembly SIMD, and a server that allows it (script-src 'wasm-unsafe-eval').`;
};

/** The explorer in its worker, so that the page's thread only draws. */
export const explorer: Remote<PageExplorer> = wrap<PageExplorer>(worker);

/** The message of an error, in the page's words. */
export function sentenceOf(error: unknown): string {
  return pageWords(error instanceof Error ? error.message : String(error));
}
