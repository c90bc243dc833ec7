import type { ReadAdapter } from "./read-adapter.ts";

/** An adapter without what it holds besides factors and magnitudes (heads, biases, token rows), which loses their effect. */
export function factorsAlone<A extends Pick<ReadAdapter, "modules" | "variants" | "extras" | "tokenRows">>(
  adapter: A,
): A {
  const modules = Array.from(adapter.modules, ([name, { bias: _, ...module }]) => [name, module] as const);
  const variants = adapter.variants.filter(({ id }) => id !== "lora_bias" && id !== "token_indices");
  return { ...adapter, modules: new Map(modules), extras: new Map(), tokenRows: new Map(), variants };
}
