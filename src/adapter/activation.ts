import type { Adapter } from "./adapter.ts";
import { refuseVariants } from "./variants.ts";

/** The tokens after which an activated LoRA acts; none for other adapters. @throws RefusedError where its file does not say them */
export function invocationTokens(adapter: Adapter): readonly number[] {
  const tokens = adapter.peft?.invocationTokens ?? [];
  if (tokens.length === 0) {
    refuseVariants({ ...adapter, variants: adapter.variants.filter(({ id }) => id === "alora") });
  }
  return tokens;
}
