import { type Claim, verifyOpened } from "../analysis/verify.ts";
import { wasmKernels } from "../kernels/wasm.ts";
import { type Call, checkCall } from "./call/check-call.ts";
import { COUNT, PATHS, SWITCH } from "./call/rules.ts";
import { diskAdapters, OPENING, type OpenOptions } from "./input/adapter-path.ts";

/** How to measure the paper's claims. */
export interface VerifyOptions extends OpenOptions {
  /** Clusters per module. Default: the largest input rank. */
  readonly rank?: number;
  /** Seed of the random inputs and assignments. Default 0. */
  readonly seed?: number;
  /** Accept adapters that share no module or end at different layers. Default false. */
  readonly allowPartial?: boolean;
}

const VERIFY: Call<VerifyOptions> = {
  name: "verifyAdapters",
  takes: { paths: PATHS },
  options: { ...OPENING, rank: COUNT, seed: { type: "integer" }, allowPartial: SWITCH },
};

/**
 * Measure the claims of the LoRA-LEGO paper on the adapters at these paths: permutation, concatenation and cluster purity. The same
 * seed gives the same figures.
 *
 * @throws RefusedError for adapters that do not fit each other, or that are more than plain LoRA
 * @example
 * ```ts
 * import { verifyAdapters } from "lora-lego/node";
 *
 * const claims = await verifyAdapters(["adapters/reverse", "adapters/sort"]);
 * console.log(claims.map(({ holds }) => holds)); // [ true, true, true ]
 * ```
 */
export async function verifyAdapters(paths: readonly string[], options: VerifyOptions = {}): Promise<Claim[]> {
  checkCall(VERIFY, [paths, options]);
  const { rank = null, seed = 0, allowPartial = false } = options;
  const opened = await diskAdapters(paths, options);
  const adapters = opened.map(({ adapter }) => adapter);
  return verifyOpened(wasmKernels(), adapters, rank, seed, allowPartial).finally(() => {
    for (const { close } of opened) close();
  });
}
