import { type ComparedRecipe, type Comparison, compareMethods } from "../analysis/compare.ts";
import { comparePage } from "../analysis/compare-page.ts";
import { wasmKernels } from "../kernels/wasm.ts";
import { AUTO } from "../methods/auto.ts";
import { METHODS, methodById } from "../methods/registry.ts";
import { type Call, checkCall } from "./call/check-call.ts";
import { COUNTS, FUNCTION, NUMBERS, PATH, PATHS, SWITCH, TEXTS } from "./call/rules.ts";
import { diskAdapters, inputPaths, OPENING, type OpenOptions } from "./input/adapter-path.ts";
import { OutputFile } from "./output/output-file.ts";

/** What to compare. */
export interface CompareOptions extends OpenOptions {
  /** Ids of methods, or auto for the one that a merge takes by itself. Default: auto, and all except the slow ones on dense deltas, which need a rank to cut to. */
  readonly methods?: readonly string[];
  /** Ranks to compare at. Default: each method's own. */
  readonly ranks?: readonly number[];
  /** One weight per adapter. Default 1 each. */
  readonly weights?: readonly number[];
  /** Accept adapters that share no module or end at different layers. Default false. */
  readonly allowPartial?: boolean;
  /** Also write the comparison as one self-contained page with plots, to this file. */
  readonly html?: string;
  /** Replace the `html` file even if lora-lego did not write it. Default false. */
  readonly force?: boolean;
  /** Called with one sentence when something left by an interrupted run is cleaned up. */
  readonly onNotice?: (text: string) => void;
}

/** Methods that are compared only where they are named: those on dense deltas. */
export const SLOW_METHODS: readonly string[] = METHODS.filter(({ needs }) => needs.cut).map(({ id }) => id);

const COMPARE: Call<CompareOptions> = {
  name: "compareAdapters",
  takes: { paths: PATHS },
  options: {
    ...OPENING,
    methods: TEXTS,
    ranks: COUNTS,
    weights: NUMBERS,
    allowPartial: SWITCH,
    html: PATH,
    force: SWITCH,
    onNotice: FUNCTION,
  },
};

/**
 * Merge the adapters at these paths by several methods in one pass, write none of the results, and compare them.
 *
 * @throws UsageError for a method that does not exist; RefusedError for adapters that do not fit each other; OutputError when `html`
 * cannot be written. A method that does not take these adapters is not an error: it is listed in `refused`.
 * @example
 * ```ts
 * import { compareAdapters } from "lora-lego/node";
 *
 * const { merges } = await compareAdapters(["adapters/reverse", "adapters/sort"], { methods: ["lego", "svd"], ranks: [8] });
 * console.log(merges.map(({ method, rank }) => `${method} ${rank}`)); // [ 'lego 8', 'svd 8' ]
 * ```
 */
export async function compareAdapters(paths: readonly string[], options: CompareOptions = {}): Promise<Comparison> {
  checkCall(COMPARE, [paths, options]);
  const { ranks, weights, allowPartial = false, html, force = false, onNotice } = options;
  const quick = METHODS.map(({ id }) => id).filter((id) => !SLOW_METHODS.includes(id));
  const recipes = (options.methods ?? [...quick, AUTO]).flatMap((id) => {
    const method = id === AUTO ? AUTO : methodById(id).id;
    return ranks === undefined ? [{ method }] : ranks.map((rank) => ({ method, target: { kind: "rank", rank } }));
  }) as ComparedRecipe[];
  const opened = await diskAdapters(paths, options);
  try {
    const inputs = inputPaths(paths, opened);
    const page = { inputs, force, remade: true, flag: "--html", ...(onNotice && { tell: onNotice }) };
    if (html !== undefined) OutputFile.check(html, page);
    const adapters = opened.map(({ adapter }) => adapter);
    const comparison = await compareMethods(
      wasmKernels(),
      adapters,
      recipes,
      weights ?? adapters.map(() => 1),
      allowPartial,
    );
    if (html !== undefined) OutputFile.write(html, comparePage(comparison), page);
    return comparison;
  } finally {
    for (const { close } of opened) close();
  }
}
