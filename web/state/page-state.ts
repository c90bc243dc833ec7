import { effect, signal } from "@preact/signals";
import type { AdapterText } from "../../src/adapter/dialect.ts";
import { LEGO_PARAMETERS, PAPER } from "../../src/methods/lego/options.ts";
import type { Recipe } from "../../src/recipe/recipe.ts";
import {
  adapters,
  addExample,
  addFromHub,
  closeExample,
  openAdapters,
  rename,
  type Source,
  weigh,
} from "./adapters.ts";
import { baseConfig, useBaseConfig } from "./base-config.ts";
import { intro } from "./intro.ts";
import { fillForm, recipe } from "./merge.ts";
import { moduleName, options, wantedK } from "./module.ts";
import { opening } from "./opening.ts";
import { save } from "./save-file.ts";
import { showTab, TABS, type Tab, tab } from "./tabs.ts";

/** An adapter as the page keeps it: where it comes from, not what is in it. */
export interface PageAdapter {
  readonly source: Source;
  readonly name: string;
  readonly weight: number;
  /** What tells its files from others of the same name. */
  readonly print?: string;
}

/** What the page shows, as a link or a file keeps it. No token is ever part of it. */
interface PageState {
  readonly adapters: readonly PageAdapter[];
  readonly tab: Tab;
  readonly module: string | null;
  readonly k: number | null;
  readonly lego: typeof options.value;
  readonly recipe: Recipe;
  readonly base?: AdapterText;
}

const KIND = "page of the explorer";
const FILE = "lora-lego-page.json";

/** The listed adapters, as the page keeps them. */
export function pageAdapters(): PageAdapter[] {
  return adapters.value.map(({ source, name, weight, card }) => ({
    source,
    name,
    weight,
    ...(card !== null && card.print !== null && { print: card.print }),
  }));
}

function pageState(): PageState {
  return {
    adapters: pageAdapters(),
    tab: tab.value,
    module: moduleName.value,
    k: wantedK.value,
    lego: options.value,
    recipe: recipe.value,
    ...(baseConfig.value !== null && { base: { text: baseConfig.value.text, where: baseConfig.value.where } }),
  };
}

/** A link that opens the page as it is now: adapters of the Hub as readable addresses, everything else after them. */
export function pageLink(): string {
  const { adapters: listed, ...rest } = pageState();
  const hub = listed.flatMap(({ source }) => (source.from === "hub" ? [source.path] : []));
  const words = [
    ...(hub.length > 0 ? [`hf=${hub.join(",")}`] : []),
    `page=${encodeURIComponent(JSON.stringify({ adapters: listed, ...rest }))}`,
  ];
  return `${location.href.replace(/#.*/, "")}#${words.join("&")}`;
}

export function savePage(): void {
  const text = JSON.stringify({ kind: KIND, ...pageState() }, null, 2);
  save(FILE, new Blob([`${text}\n`], { type: "application/json" }));
}

/** What can be used of a page that a link or a file describes; others may have written it. */
function usable(said: unknown): Partial<PageState> {
  if (!isObject(said)) return {};
  const { adapters: listed, tab: shown, module, k, lego, recipe: asked, base } = said as Partial<PageState>;
  const chosen = (["gauge", "sign", "metric"] as const).filter((name) =>
    LEGO_PARAMETERS[name].choices.some((choice) => choice === lego?.[name]),
  );
  return {
    ...(Array.isArray(listed) && {
      adapters: listed.filter((one) => typeof one?.name === "string" && isObject(one.source)),
    }),
    ...(typeof shown === "string" && Object.hasOwn(TABS, shown) && { tab: shown }),
    ...(typeof module === "string" && { module }),
    ...(Number.isInteger(k) && k! > 0 && { k: k! }),
    ...(isObject(lego) && { lego: { ...PAPER, ...Object.fromEntries(chosen.map((name) => [name, lego![name]])) } }),
    ...(isObject(asked) && { recipe: asked! }),
    ...(typeof base?.text === "string" && typeof base.where === "string" && { base }),
  };
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a JSON value is a page that was saved. */
export function isPage(value: unknown): boolean {
  return typeof value === "object" && value !== null && (value as { kind?: unknown }).kind === KIND;
}

/** Adapters of a restored page that are still to be opened by hand, because only their names are known. */
export const missing = signal<PageState["adapters"]>([]);

/** Whether both may be one adapter: one of the page's server is opened by hand where that does not have it. */
export const sameSource = (one: Source, other: Source): boolean => {
  const where = (source: Source): string =>
    JSON.stringify({ ...source, from: isOnDisk(source) ? "disk" : source.from });
  return where(one) === where(other);
};

/** Whether an adapter lies on a disk, where the page cannot look for it. */
export function isOnDisk(source: Source): source is Extract<Source, { readonly name: string }> {
  return source.from === "files" || source.from === "server";
}

/** The adapters that have taken names and weights of the restored page, by key. */
const restored = new Set<number>();

/** Names and weights come back as adapters are opened, each once; of several that have one source, the adapter takes that of its own files, or the first. */
effect(() => {
  for (const { key, source, card } of openAdapters.value) {
    if (restored.has(key)) continue;
    const same = missing.value.filter((wanted) => sameSource(wanted.source, source));
    const found = same.find(({ print }) => print === card.print) ?? same[0];
    if (found === undefined) continue;
    restored.add(key);
    missing.value = missing.value.filter((wanted) => wanted !== found);
    rename(key, found.name);
    weigh(key, found.weight);
  }
});

/** Restore what a link says after #; what it does not say stays. */
export function restoreLink(hash: string): void {
  const words = new URLSearchParams(hash.replace(/^#/, ""));
  const hub = (words.get("hf") ?? "").split(",").filter((path) => path !== "");
  let said: Partial<PageState> = {};
  try {
    said = usable(JSON.parse(words.get("page") ?? "{}"));
  } catch {
    opening(() => Promise.reject(new Error("The link is cut off; copy the whole of it.")));
  }
  const listed = said.adapters ?? [];
  const known = new Set(listed.flatMap(({ source }) => (source.from === "hub" ? [source.path] : [])));
  const more = hub.filter((path) => !known.has(path));
  restorePage({
    ...said,
    adapters: [...listed, ...more.map((path) => ({ source: { from: "hub", path } as const, name: path, weight: 1 }))],
  });
}

/** Show a page that was saved as a file. */
export function restoreFile(page: unknown): void {
  restorePage(usable(page));
}

/** Show a page again: open what can be opened, and remember names and weights of the rest. */
function restorePage({
  adapters: listed = [],
  tab: shown,
  module,
  k,
  lego,
  recipe: asked,
  base,
}: Partial<PageState>): void {
  intro.value = false;
  if (base !== undefined) opening(() => useBaseConfig(base));
  if (lego !== undefined) options.value = lego;
  if (asked !== undefined) fillForm(asked);
  if (k !== undefined) wantedK.value = k;
  if (shown !== undefined) showTab(shown);
  restored.clear();
  missing.value = listed;
  if (listed.some(({ source }) => source.from === "example")) opening(addExample);
  else if (listed.length > 0) closeExample();
  // The example set takes its module with it.
  if (module !== undefined) moduleName.value = module;
  for (const { source } of listed) if (source.from === "hub") opening(() => addFromHub(source.path, ""));
}
