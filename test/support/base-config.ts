import type { AdapterText } from "../../src/adapter/dialect.ts";

/** A base model's config.json with these fields. */
export function baseConfig(fields: Readonly<Record<string, unknown>>): AdapterText {
  return { text: JSON.stringify(fields), where: "config.json" };
}
