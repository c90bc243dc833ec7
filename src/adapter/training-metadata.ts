import { compareNaturally } from "../core/natural-order.ts";
import { familyById } from "../families/families.ts";
import { RECIPE_KEY } from "../formats/recipe-key.ts";
import type { Adapter } from "./adapter.ts";

/** What files of image models say of their training, as sd-scripts and Stability's ModelSpec name it. */
type Said = Pick<Adapter, "metadata">;

const TAGS = "ss_tag_frequency";
const MODULE = "ss_network_module";
const TITLE = "modelspec.title";
const OUTPUT_NAME = "ss_output_name";
const MERGED_FROM = "modelspec.merged_from";
const TRIGGERS = "modelspec.trigger_phrase";
/** Lists of words, separated by commas. */
const LISTS = [TRIGGERS, "modelspec.tags"];
/** The model that an adapter is for, which all say that say it at all. */
const OF_THE_MODEL = ["ss_base_model_version", "modelspec.architecture"];
/** What names one file or one training. A1111 lists an adapter under its ss_output_name. */
const OF_ONE_FILE = [OUTPUT_NAME, "ss_session_id", "modelspec.date"];
/** Arguments may name ranks, and the result has its own. */
const OF_THE_RANKS = "ss_network_args";

/** What a merge reads of an adapter for that. */
type Merged = Pick<Adapter, "metadata" | "modules">;

/**
 * What an adapter's file says of training, for one of plain LoRA: LoKr, LoHa and the like are such no more, so the module that trains
 * plain ones is named in place of theirs, if there is just one, and its arguments go.
 *
 * @param families that it may belong to
 */
export function plainMetadata({ metadata, modules }: Merged, families: readonly string[]): ReadonlyMap<string, string> {
  const computed = [...modules.values()].some(({ a }) => "matrix" in a);
  if (!computed || !metadata.has(MODULE)) return metadata;
  const own = networkModule(families);
  const kept = [...metadata].filter(([key]) => key !== OF_THE_RANKS && key !== MODULE);
  return new Map(own === null ? kept : [...kept, [MODULE, own]]);
}

/**
 * What a merge's file says of training: of one adapter all that it says; of several what all of them say, and tags and trigger words
 * together. The title and the recipe are made anew. There is no date, so that the same merge writes the same file.
 *
 * @param inputs that take part; their order does not matter
 * @param families that the result may belong to
 */
export function mergedMetadata(inputs: readonly Merged[], families: readonly string[]): Map<string, string> {
  const adapters: readonly Said[] = inputs.map((input) => ({ metadata: plainMetadata(input, families) }));
  const [first, ...others] = adapters as readonly [Said, ...Said[]];
  const merged = new Map([...first.metadata].filter(([key]) => key !== OF_THE_RANKS && key !== RECIPE_KEY));
  if (others.length === 0) return merged;
  const valuesOf = (key: string) => adapters.flatMap(({ metadata }) => metadata.get(key) ?? []);
  for (const [key, text] of merged) {
    if (OF_ONE_FILE.includes(key) || others.some(({ metadata }) => metadata.get(key) !== text)) merged.delete(key);
  }
  const set = (key: string, value: string | null) => {
    if (value === null) merged.delete(key);
    else merged.set(key, value);
  };
  for (const key of OF_THE_MODEL) {
    const values = new Set(valuesOf(key));
    set(key, values.size === 1 ? [...values][0]! : null);
  }
  for (const key of LISTS) set(key, unitedList(valuesOf(key)));
  set(TAGS, unitedTags(valuesOf(TAGS)));
  const modules = new Set(valuesOf(MODULE));
  if (modules.size > 1) set(MODULE, networkModule(families));
  if (valuesOf(TITLE).length > 0) {
    // Names of folders and files are the user's own.
    const titles = adapters.flatMap(({ metadata }) => metadata.get(TITLE) ?? metadata.get(OUTPUT_NAME) ?? []);
    const untitled = adapters.length - titles.length;
    titles.sort(compareNaturally);
    set(MERGED_FROM, titles.join(", "));
    set(TITLE, [...titles, ...(untitled === 0 ? [] : [`${untitled} untitled`])].join(" + "));
  }
  return merged;
}

/** The module of sd-scripts or musubi-tuner that trains such adapters; null where none or several may. */
function networkModule(families: readonly string[]): string | null {
  const modules = new Set(families.map((id) => familyById(id).networkModule));
  return modules.size === 1 ? [...modules][0]! : null;
}

function unitedList(texts: readonly string[]): string | null {
  const words = [...new Set(texts.flatMap(wordsOf))].sort(compareNaturally);
  return words.length === 0 ? null : words.join(", ");
}

function wordsOf(text: string): string[] {
  return text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

/** How often each tag occurs, by data set. */
type Tags = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** All tags of all data sets; where several files count one, the largest count, so that one file twice is that file. */
function unitedTags(texts: readonly string[]): string | null {
  const all = texts.map(tagsOf).filter((sets) => sets !== null);
  if (all.length === 0) return null;
  const united = new Map<string, Map<string, number>>();
  for (const [set, tags] of all.flatMap((sets) => Object.entries(sets))) {
    const counts = united.get(set) ?? new Map<string, number>();
    united.set(set, counts);
    for (const [tag, count] of Object.entries(tags)) counts.set(tag, Math.max(count, counts.get(tag) ?? 0));
  }
  const sorted = [...united].sort(([one], [other]) => compareNaturally(one, other));
  return JSON.stringify(
    Object.fromEntries(sorted.map(([set, counts]) => [set, Object.fromEntries(commonest(counts))])),
  );
}

/** Tags by count, the largest first. */
function commonest(counts: Iterable<readonly [tag: string, count: number]>): (readonly [string, number])[] {
  return [...counts].sort(([a, one], [b, other]) => other - one || compareNaturally(a, b));
}

/** null for what is no map of data sets, tags and counts. */
function tagsOf(text: string): Tags | null {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return null;
  }
  const isMap = (value: unknown): value is object =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  const isCounted = (tags: unknown): boolean =>
    isMap(tags) && Object.values(tags).every((count) => typeof count === "number");
  return isMap(found) && Object.values(found).every(isCounted) ? (found as Tags) : null;
}

/**
 * What an adapter's file says to write in prompts: its trigger words, or else the commonest tag of each of its data sets, because trainers put
 * the trigger word into every caption.
 */
export function triggerWords({ metadata }: Pick<Said, "metadata">): string[] {
  const words = wordsOf(metadata.get(TRIGGERS) ?? "");
  if (words.length > 0) return words;
  const tags = Object.values(tagsOf(metadata.get(TAGS) ?? "") ?? {}).flatMap((counts) => {
    const [first] = commonest(Object.entries(counts));
    return first === undefined ? [] : [first[0].trim()];
  });
  return [...new Set(tags)];
}
