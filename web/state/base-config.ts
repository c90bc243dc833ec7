import { computed, signal } from "@preact/signals";
import type { AdapterText } from "../../src/adapter/dialect.ts";
import { announcement, openAdapters, openAgain } from "./adapters.ts";
import { explorer } from "./explorer.ts";

/** The config.json of the base model, which GGUF adapters are read with. */
export interface BaseConfig extends AdapterText {
  readonly modelType: string;
}

export const baseConfig = signal<BaseConfig | null>(null);

/** The open adapters that cannot be merged before the base model's config is there, by name. */
export const withoutBase = computed<readonly string[]>(() =>
  openAdapters.value.flatMap(({ name, card }) => (card.needsBase ? [name] : [])),
);

/** Read GGUF adapters with the config of their base model, those that are open too. */
export async function useBaseConfig({ text, where }: AdapterText): Promise<void> {
  const modelType = await explorer.useBase({ text, where });
  baseConfig.value = { text, where, modelType };
  announcement.value = `The base model's config is used: ${where}, model_type ${modelType}.`;
  await openAgain();
}
