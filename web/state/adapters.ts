import { computed, signal } from "@preact/signals";
import { freeName, nameAmong } from "../../src/browser/dropped.ts";
import type { AdapterCard, ChosenAdapter } from "../../src/browser/explorer.ts";
import type { HandedFolder } from "../../src/browser/handed-files.ts";
import { explorer, sentenceOf } from "./explorer.ts";
import { intro } from "./intro.ts";

/** Where an adapter comes from: the Hub, the example set, the page's server, or files that were handed to the page. */
export type Source =
  | { readonly from: "hub"; readonly path: string }
  | { readonly from: "example" | "server" | "files"; readonly name: string };

/** An adapter in the list: being opened, open, or refused. */
export interface ListedAdapter {
  readonly key: number;
  readonly name: string;
  readonly source: Source;
  readonly weight: number;
  readonly card: AdapterCard | null;
  readonly error: string | null;
}

/** One that is open. */
export interface OpenAdapter extends ListedAdapter {
  readonly card: AdapterCard;
}

export const adapters = signal<readonly ListedAdapter[]>([]);
/** Those that are listed as chips: the first view draws the example set, and lists what is being opened instead of it, or was refused. */
export const chips = computed(() => (intro.value ? adapters.value.filter(isOwn) : adapters.value));

function isOwn({ source }: ListedAdapter): boolean {
  return source.from !== "example";
}

/** Text for screen readers. */
export const announcement = signal("");
/** The open adapters. */
export const openAdapters = computed<readonly OpenAdapter[]>(() =>
  adapters.value.flatMap((adapter) => (adapter.card === null ? [] : [{ ...adapter, card: adapter.card }])),
);
export const chosenAdapters = computed<ChosenAdapter[]>(() =>
  openAdapters.value.map(({ card, name, weight }) => ({ id: card.id, name, weight })),
);
/** Changes when other adapters are open, or one has another name. */
export const openNames = computed<string>(() =>
  openAdapters.value.map(({ card, name }) => `${card.id} ${name}`).join(),
);
/** Changes only when other adapters are open, not when names or weights change. */
export const openIds = computed<string>(() => openAdapters.value.map(({ card }) => card.id).join());

/** Changes when others take part in a merge: all that are open but those of weight 0. */
export const mergedIds = computed<string>(() =>
  openAdapters.value.flatMap(({ card, weight }) => (weight === 0 ? [] : card.id)).join(),
);

export function idsOf(joined: string): number[] {
  return joined === "" ? [] : joined.split(",").map(Number);
}

let next = 1;

/** Change what the list says of an adapter. */
export function change(key: number, to: Partial<ListedAdapter>): void {
  adapters.value = adapters.value.map((adapter) => (adapter.key === key ? { ...adapter, ...to } : adapter));
}

/** How adapters are opened, by key. */
const opens = new Map<number, (name: string) => Promise<AdapterCard>>();
/** The adapters that are read with the base model's config, by key; some may be refused with it. */
const based = new Set<number>();

/** Open GGUF adapters again, which the base model's config says more of. */
export async function openAgain(): Promise<void> {
  const own = adapters.value.filter(({ key, card }) => based.has(key) || card?.format === "gguf");
  await Promise.all(
    own.map(async ({ key, name, card: before }) => {
      based.add(key);
      const after = await opens.get(key)!(name).then(
        (card) => ({ card, error: null }),
        (error: unknown) => ({ card: null, error: sentenceOf(error) }),
      );
      const gone = adapters.value.every((adapter) => adapter.key !== key);
      change(key, after);
      for (const card of [gone ? after.card : null, before]) if (card !== null) void explorer.close(card.id);
    }),
  );
}

/**
 * List an adapter and open it; an adapter that cannot be read stays in the list with the reason.
 *
 * @returns its key, and why it is not open, which is null if it is; null if it was removed meanwhile
 */
export async function add(
  name: string,
  source: Source,
  open: (name: string) => Promise<AdapterCard>,
  path = name,
): Promise<Pick<ListedAdapter, "key" | "error"> | null> {
  const key = next++;
  opens.set(key, open);
  // The example set gives way once the first of one's own is open.
  const staying = source.from === "example" ? adapters.value : adapters.value.filter(isOwn);
  const own = nameAmong(
    staying.map((adapter) => adapter.name),
    name,
    path,
  );
  adapters.value = [...adapters.value, { key, name: own, source, weight: 1, card: null, error: null }];
  // It may have been renamed or removed by then.
  const now = (): ListedAdapter | undefined => adapters.value.find((adapter) => adapter.key === key);
  try {
    const card = await open(own);
    if (now() === undefined) {
      void explorer.close(card.id);
      return null;
    }
    if (now()!.name !== own) void explorer.rename(card.id, now()!.name);
    if (source.from !== "example") closeExample();
    change(key, { card });
    // What the first view draws was opened by nobody.
    if (!intro.value) announcement.value = `${now()!.name} is open.`;
    return { key, error: null };
  } catch (thrown) {
    if (now() === undefined) return null;
    const error = sentenceOf(thrown);
    change(key, { error });
    announcement.value = `${now()!.name} is not open: ${error}`;
    return { key, error };
  }
}

/** Whoever opens adapters of their own is done with the example set. */
export function closeExample(): void {
  intro.value = false;
  for (const adapter of adapters.value) if (!isOwn(adapter)) forget(adapter);
}

async function addFolders(
  folders: readonly (HandedFolder & { readonly path?: string })[],
  from: "example" | "server",
): Promise<void> {
  await Promise.all(
    folders.map(({ path, ...folder }) =>
      add(folder.name, { from, name: folder.name }, (name) => explorer.open({ ...folder, name }), path),
    ),
  );
}

export async function addFromHub(path: string, token: string): Promise<Pick<ListedAdapter, "key" | "error"> | null> {
  const full = path.startsWith("hf://") ? path : `hf://${path.replace(/^https:\/\/huggingface\.co\//, "")}`;
  const access = { endpoint: "https://huggingface.co", token: token === "" ? null : token };
  const name = full.slice("hf://".length);
  return add(name, { from: "hub", path: name }, () => explorer.openHub(full, access));
}

/** Open the example set, as far as it is not open; whoever asks for it is done with the first view. */
export function openExample(): Promise<void> {
  intro.value = false;
  return addExample();
}

const EXAMPLES = "./examples/adapters.json";

/** Open those of the example set that are not open. */
export function addExample(): Promise<void> {
  return addListed(EXAMPLES, "example");
}

/** Open the example set for the first view, unless that is over when its list has come. */
export function drawExample(): Promise<void> {
  return addListed(EXAMPLES, "example", () => intro.value);
}

/** Whether adapters of `lora-lego ui` are being opened. */
export const serving = signal(false);

/** Open the adapters of `lora-lego ui`. */
export async function addServed(list: string): Promise<void> {
  serving.value = true;
  try {
    await addListed(list, "server");
  } finally {
    serving.value = false;
  }
}

/** Open adapters that a list beside the page names. */
async function addListed(list: string, from: "example" | "server", wanted = () => true): Promise<void> {
  const response = await fetch(list);
  if (!response.ok) {
    const said = response.headers.get("content-type")?.startsWith("text/plain") ? await response.text() : null;
    throw new Error(said ?? `${list} was not found (${response.status}); serve the page's whole folder.`);
  }
  const served = (await response.json()) as readonly {
    readonly name: string;
    readonly path?: string;
    readonly files: readonly { readonly name: string; readonly size: number; readonly url: string }[];
    readonly folders: readonly string[];
  }[];
  if (!wanted()) return;
  const there = adapters.value.flatMap(({ source }) => (source.from === from ? source.name : []));
  const missing = served.filter(({ name }) => !there.includes(name));
  await addFolders(
    missing.map(({ name, path = name, files, folders }) => ({
      name,
      path,
      folders,
      files: Object.fromEntries(
        files.map((file) => [file.name, { url: new URL(file.url, response.url).href, size: file.size }]),
      ),
    })),
    from,
  );
}

export function remove(key: number): void {
  const gone = adapters.value.find((adapter) => adapter.key === key);
  if (gone === undefined) return;
  forget(gone);
  announcement.value = `${gone.name} is removed.`;
}

function forget({ key, card }: ListedAdapter): void {
  opens.delete(key);
  adapters.value = adapters.value.filter((adapter) => adapter.key !== key);
  if (card !== null) void explorer.close(card.id);
}

/** @returns the adapter's name afterwards: names must not be empty or taken */
export function rename(key: number, name: string): string {
  const others = adapters.value.filter((adapter) => adapter.key !== key).map((adapter) => adapter.name);
  const { card, name: before } = adapters.value.find((adapter) => adapter.key === key)!;
  const own = name.trim() === "" ? before : freeName(name.trim(), others);
  if (own === before) return own;
  // The worker hears of it before anybody asks it what to say of the adapter.
  if (card !== null) void explorer.rename(card.id, own);
  change(key, { name: own });
  return own;
}

/** @returns the adapter's weight afterwards: it must be a number */
export function weigh(key: number, weight: number): number {
  if (Number.isFinite(weight)) change(key, { weight });
  return adapters.value.find((adapter) => adapter.key === key)!.weight;
}

/** Move an adapter up or down the list. */
export function move(key: number, by: -1 | 1): void {
  const list = [...adapters.value];
  const from = list.findIndex((adapter) => adapter.key === key);
  const to = from + by;
  if (to < 0 || to >= list.length) return;
  [list[from], list[to]] = [list[to]!, list[from]!];
  adapters.value = list;
  announcement.value = `${list[to]!.name} is number ${to + 1} of ${list.length}.`;
}
