import { type Inspection, inspectOpened } from "../analysis/inspect.ts";
import { wasmKernels } from "../kernels/wasm.ts";
import { type Call, checkCall } from "./call/check-call.ts";
import { PATH } from "./call/rules.ts";
import { diskAdapter, OPENING, type OpenOptions } from "./input/adapter-path.ts";

const INSPECT: Call<OpenOptions> = { name: "inspectAdapter", takes: { path: PATH }, options: OPENING };

/**
 * Read the whole adapter at a path and describe it: modules, ranks, scales, norms and spectra.
 *
 * @param path a folder, a file in one, or a path on the Hub
 * @throws FormatError or RefusedError for files that cannot be read, and for NaN or infinite values
 * @example
 * ```ts
 * import { inspectAdapter } from "lora-lego/node";
 *
 * const { format, modules, ranks } = await inspectAdapter("adapters/sort");
 * console.log(format, modules.length, ranks); // peft 21 [ 6 ]
 * ```
 */
export async function inspectAdapter(path: string, options: OpenOptions = {}): Promise<Inspection> {
  checkCall(INSPECT, [path, options]);
  const { adapter, close } = await diskAdapter(path, options);
  return inspectOpened(wasmKernels(), adapter).finally(close);
}
