import { readYaml } from "../formats/yaml/placed-yaml.ts";
import { CARD_FILE } from "./card.ts";
import type { FolderReader } from "./tokenizer-files.ts";

const MAX_CARD_BYTES = 1 << 20;
const FRONT_MATTER = /^---\r?\n([\s\S]*?)\r?\n---(?:\r?\n|$)/;
const MAX_DATASETS = 100;

/**
 * The datasets that the model cards of these folders name in their front matter, sorted, each once. A card that cannot be read counts as
 * no card, because people may write anything there.
 */
export async function cardDatasets(folders: readonly FolderReader[]): Promise<string[]> {
  const found = new Set<string>();
  for (const read of folders) {
    const card = await read(CARD_FILE, MAX_CARD_BYTES);
    if (card !== null) for (const dataset of await datasetsOf(new TextDecoder().decode(card))) found.add(dataset);
  }
  return [...found].sort().slice(0, MAX_DATASETS);
}

async function datasetsOf(card: string): Promise<string[]> {
  const text = FRONT_MATTER.exec(card)?.[1];
  if (text === undefined || !/^datasets:/m.test(text)) return [];
  try {
    const { data } = await readYaml(text, CARD_FILE);
    const datasets: unknown = (data as { datasets?: unknown }).datasets;
    return (Array.isArray(datasets) ? datasets : [datasets]).filter((name) => typeof name === "string" && name !== "");
  } catch {
    return [];
  }
}
