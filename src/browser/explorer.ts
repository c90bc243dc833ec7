import type { Adapter } from "../adapter/adapter.ts";
import type { AdapterText } from "../adapter/dialect.ts";
import type { AdapterFolder } from "../adapter/folder.ts";
import { openAdapter } from "../adapter/open.ts";
import { MERGED_VARIANTS, refuseVariants } from "../adapter/variants.ts";
import type { SetTally } from "../analysis/audit/set-tally.ts";
import { type Clustering, type ModulePlane, ModuleView } from "../analysis/module-view.ts";
import { type ModuleOverview, overviewOf } from "../analysis/overview.ts";
import { moduleNames } from "../analysis/pools.ts";
import { LoraLegoError, UsageError } from "../core/errors.ts";
import { plural } from "../core/plural.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { wasmKernels } from "../kernels/wasm.ts";
import type { RemoteLane } from "../lanes/remote-lane.ts";
import type { LegoOptions } from "../methods/lego/options.ts";
import { underOneName } from "../plan/one-name.ts";
import type { Kept } from "../plan/planned-adapter.ts";
import type { Recipe } from "../recipe/recipe.ts";
import type { HubAccess } from "../remote/hub/hub-server.ts";
import { streamHubAdapter } from "../remote/hub/stream-adapter.ts";
import type { MergeReport } from "../report/report.ts";
import type { FolderReader } from "../report/tokenizer-files.ts";
import { type HandedFolder, handedFolder, handedReader } from "./handed-files.ts";
import type { PageInputs } from "./page-lanes.ts";
import type { MergeSize } from "./page-merge.ts";
import type { Program } from "./programs.ts";
import type { LoadedResult, PageResult, ResultChecks, ResultLoading } from "./result.ts";
import type { SetAudit } from "./set-audit.ts";
import { Turns } from "./turns.ts";

/** What a card of an adapter shows. */
export interface AdapterCard {
  readonly id: number;
  readonly name: string;
  readonly format: string;
  readonly baseModel: string | null;
  readonly modules: number;
  readonly ranks: readonly number[];
  readonly scales: readonly number[];
  readonly dtypes: readonly string[];
  readonly bytes: number;
  /** What tells its files from others of the same name; null where nobody handed them over. */
  readonly print: string | null;
  /** Whether its modules have llama.cpp's names, so that it cannot be merged before the base model's config says what others call them. */
  readonly needsBase: boolean;
  /** What to be aware of, in sentences. */
  readonly notes: readonly string[];
}

/** An adapter in the explorer, with its name and weight in a merge. */
export interface ChosenAdapter {
  readonly id: number;
  readonly name: string;
  readonly weight: number;
}

/** What a merge would write, or why it is refused. */
export type Estimate = MergeSize | { readonly refused: string };

/** The result of a merge, for the page. */
export interface ExplorerMerge {
  /** The name of its folder. */
  readonly name: string;
  /** What tells it from other results. */
  readonly title: string;
  readonly report: MergeReport;
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** What its inputs have in common that its files do not hold. */
  readonly kept: Kept;
  readonly loading: ResultLoading;
}

/** The page's slow work: opens adapters, analyses their modules and merges them. Does not use the DOM. */
export class Explorer {
  readonly #newLane: () => RemoteLane<PageInputs>;
  readonly #lanes: number;
  readonly #kernels: Kernels = wasmKernels();
  readonly #moduleKernels: Kernels = wasmKernels();
  readonly #adapters = new Map<number, Adapter>();
  readonly #folders = new Map<number, FolderReader>();
  /** Paths of Hub adapters for recipes, with the commits that were read. */
  readonly #pinned = new Map<number, string>();
  #baseConfig: AdapterText | null = null;
  #next = 1;
  #view: ModuleView | null = null;
  /** What was read of the set that was looked at last, and its adapters. */
  #read: { readonly ids: readonly number[]; readonly tally: SetTally } | null = null;
  /** Tasks that share kernel memory take turns. */
  readonly #looking = new Turns();
  readonly #viewing = new Turns();
  #overview: AbortController = new AbortController();
  #merge: AbortController = new AbortController();

  /** @param lanes how many workers a merge may use */
  constructor(newLane: () => RemoteLane<PageInputs>, lanes: number) {
    this.#newLane = newLane;
    this.#lanes = lanes;
  }

  /** @throws whatever opening the adapter throws, in one sentence */
  async open(folder: HandedFolder): Promise<AdapterCard> {
    const adapter = await this.#open(handedFolder(folder));
    const own = Object.values(folder.files).every((file) => "blob" in file);
    const print = own ? await (await import("./fingerprint.ts")).fingerprint(adapter.files) : null;
    const card = await this.#take(adapter, print);
    this.#folders.set(card.id, handedReader(folder));
    return card;
  }

  /** Open an adapter on the Hub (hf://owner/name), read by range. */
  async openHub(path: string, access: Pick<HubAccess, "endpoint" | "token">): Promise<AdapterCard> {
    const { folder, pinned } = await streamHubAdapter(path, { ...access, fetch: (...of) => fetch(...of) });
    const card = await this.#take(await this.#open(folder));
    this.#pinned.set(card.id, pinned);
    return card;
  }

  /**
   * Read GGUF adapters that are opened from now on with the config.json of their base model, and judge programs with it.
   *
   * @returns the config's model_type
   * @throws FormatError if it is no model's config
   */
  async useBase(config: AdapterText): Promise<string> {
    const { modelTypeOf } = await import("./base-config.ts");
    const modelType = modelTypeOf(config);
    this.#baseConfig = config;
    return modelType;
  }

  #open(folder: AdapterFolder): Promise<Adapter> {
    const isGguf = folder.files.some((file) => file.endsWith(".gguf"));
    return openAdapter(folder, isGguf ? { baseConfig: this.#baseConfig } : {});
  }

  async close(id: number): Promise<void> {
    this.#adapters.delete(id);
    this.#folders.delete(id);
    this.#pinned.delete(id);
  }

  /** Give an adapter another name, which sentences about it say from now on. */
  async rename(id: number, name: string): Promise<void> {
    const adapter = this.#adapters.get(id);
    if (adapter !== undefined) this.#adapters.set(id, { ...adapter, name });
  }

  async #take(adapter: Adapter, print: string | null = null): Promise<AdapterCard> {
    refuseVariants(adapter, MERGED_VARIANTS);
    underOneName([adapter]);
    // Most adapters are of other formats, and the first view begins without what knows llama.cpp's names.
    const lacking = adapter.format === "gguf" && (await import("./base-config.ts")).needsBase(adapter);
    const id = this.#next++;
    this.#adapters.set(id, adapter);
    return { ...cardOf(id, adapter), print, needsBase: lacking };
  }

  /** Names of the modules of some adapters, in natural order. */
  async modules(ids: readonly number[]): Promise<string[]> {
    return moduleNames(this.#of(ids));
  }

  /**
   * Analyse every module, and at the end the set, after which `onModule` is told again of modules that were clustered at another rank than
   * LEGO's recommended one; a new call cancels an earlier one.
   */
  async overview(ids: readonly number[], onModule: (module: ModuleOverview, of: number) => void): Promise<SetAudit> {
    this.#overview.abort();
    this.#overview = new AbortController();
    const { signal } = this.#overview;
    return this.#looking.run(async () => {
      const { tally, settle } = await overviewOf(this.#kernels, this.#of(ids), onModule, signal);
      this.#read = { ids, tally };
      const found = await this.#audit(ids, tally);
      await settle(found.audit.recommendation?.lego?.rank ?? null);
      return found;
    });
  }

  /** What the overview said of adapters, by their names as they are now, of what was read then; null unless these were looked at last. */
  async audit(ids: readonly number[]): Promise<SetAudit | null> {
    return this.#looking.run(async () => {
      if (this.#read?.ids.join() !== ids.join() || ids.some((id) => !this.#adapters.has(id))) return null;
      return this.#audit(ids, this.#read.tally);
    });
  }

  async #audit(ids: readonly number[], tally: SetTally): Promise<SetAudit> {
    const { setAudit } = await import("./set-audit.ts");
    const given = ids.map((id) => this.#adapters.get(id)!);
    tally.rename(given.map(({ name }) => name));
    return setAudit(this.#kernels, given, tally);
  }

  /** Cancel the running overview. */
  async endOverview(): Promise<void> {
    this.#overview.abort();
  }

  /** Open a module; its units stay in memory until the next one is opened. */
  async openModule(ids: readonly number[], name: string, options: LegoOptions): Promise<ModulePlane> {
    return this.#viewing.run(async () => {
      this.#view = null;
      this.#view = await ModuleView.open(this.#moduleKernels, this.#of(ids), name);
      return this.#opened().plane(options);
    });
  }

  /** Cluster the open module's units. @throws UsageError if another module was opened meanwhile */
  async cluster(name: string, k: number, options: LegoOptions): Promise<Clustering> {
    return this.#viewing.run(() => {
      const view = this.#opened();
      if (view.name !== name) throw new UsageError(`${name} is no longer open; choose it again.`);
      return view.cluster(k, options);
    });
  }

  #opened(): ModuleView {
    if (this.#view === null) throw new UsageError("No module is open; choose one that an adapter has.");
    return this.#view;
  }

  /** What a merge would write, from the headers alone. */
  async estimate(chosen: readonly ChosenAdapter[], recipe: Recipe): Promise<Estimate> {
    const { mergeSize } = await import("./page-merge.ts");
    try {
      const [adapters, weighted] = [this.#named(chosen), withWeights(recipe, chosen)];
      const size = mergeSize(adapters, weighted);
      if (recipe.for !== undefined)
        await (await import("./set-audit.ts")).refuseUnheld(adapters, weighted, this.#baseConfig);
      return size;
    } catch (error) {
      if (error instanceof LoraLegoError) return { refused: error.message };
      throw error;
    }
  }

  /** Merge in workers; a new call cancels an earlier one. */
  async merge(
    chosen: readonly ChosenAdapter[],
    recipe: Recipe,
    onProgress: (progress: { readonly done: number; readonly total: number }) => void,
  ): Promise<ExplorerMerge> {
    this.#merge.abort();
    this.#merge = new AbortController();
    const adapters = this.#named(chosen);
    const bytes = adapters.flatMap(({ files }) => files).reduce((sum, { size }) => sum + size, 0);
    const lanes = Array.from({ length: bytes < BYTES_WORTH_A_LANE ? 1 : this.#lanes }, this.#newLane);
    const control = { signal: this.#merge.signal, onProgress };
    const paths = chosen.map(({ id, name }) => this.#pinned.get(id) ?? name);
    const folders = chosen.map(({ id }) => this.#folders.get(id) ?? null);
    const { mergeInPage } = await import("./page-merge.ts");
    const { report, files, kept } = await mergeInPage(
      adapters,
      paths,
      folders,
      withWeights(recipe, chosen),
      lanes,
      control,
    );
    const { mergeTitle, resultLoading } = await import("./set-audit.ts");
    const titled = mergeTitle(report, recipe);
    const loading = await resultLoading({ name: titled.name, files, recipe, kept });
    return { ...titled, report, files, kept, loading };
  }

  /** Which programs load what is merged of some adapters. */
  async programs(ids: readonly number[]): Promise<readonly Program[]> {
    const { programsFor } = await import("./set-audit.ts");
    return programsFor(
      ids.map((id) => this.#adapters.get(id)!),
      this.#baseConfig,
    );
  }

  /** The result of a merge as the single file that its programs load. */
  async single(result: LoadedResult): Promise<Uint8Array> {
    const { resultFile } = await import("./set-audit.ts");
    return resultFile(result);
  }

  /** What an audit finds in the result of a merge. @param ids of the adapters that it was made of, in its report's order */
  async check(ids: readonly number[], result: PageResult): Promise<ResultChecks | null> {
    return this.#looking.run(async () => {
      const { resultChecks } = await import("./set-audit.ts");
      const names = result.report.inputs.map(({ name }) => name);
      return resultChecks(this.#kernels, result, this.#named(ids.map((id, t) => ({ id, name: names[t]!, weight: 1 }))));
    });
  }

  /** Cancel the running merge. */
  async cancelMerge(): Promise<void> {
    this.#merge.abort();
  }

  #of(ids: readonly number[]): Adapter[] {
    return [...underOneName(ids.map((id) => this.#adapters.get(id)!)).adapters];
  }

  #named(chosen: readonly ChosenAdapter[]): Adapter[] {
    return chosen.map(({ id, name }) => ({ ...this.#adapters.get(id)!, name }));
  }
}

/** Inputs below this many bytes merge in one worker in less time than starting a second one takes. */
const BYTES_WORTH_A_LANE = 24e6;

function withWeights(recipe: Recipe, chosen: readonly ChosenAdapter[]): Recipe {
  const weights = chosen.map(({ weight }) => weight);
  return weights.every((weight) => weight === 1) ? recipe : { ...recipe, weights };
}

function cardOf(id: number, adapter: Adapter): Omit<AdapterCard, "print" | "needsBase"> {
  const modules = [...adapter.modules.values()];
  const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)];
  const { extras, ignored, notices } = adapter;
  const notes = [
    ...(extras.size === 0
      ? []
      : [`${plural(extras.size, "tensor")} besides the LoRA factors, such as ${[...extras.keys()][0]}`]),
    ...(ignored.length === 0 ? [] : [`${ignored.length} copies of the base's tensors, which are never written`]),
    ...notices.map(({ text }) => text),
  ];
  return {
    id,
    name: adapter.name,
    format: adapter.format,
    baseModel: adapter.baseModel,
    modules: modules.length,
    ranks: distinct(modules.map(({ rank }) => rank)).sort((one, other) => one - other),
    scales: distinct(modules.map(({ scale }) => scale)),
    dtypes: distinct(modules.flatMap(({ a, b }) => [a.dtype.toLowerCase(), b.dtype.toLowerCase()])),
    bytes: adapter.files.reduce((sum, { size }) => sum + size, 0),
    notes,
  };
}
