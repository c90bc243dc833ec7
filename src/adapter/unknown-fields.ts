import type { Notice } from "./read-adapter.ts";

/** The most names that one sentence lists. */
const MOST_SHOWN = 5;

/**
 * Report config fields that are set but unknown to lora-lego: they may change what the adapter means.
 *
 * @param where words for what holds the fields
 */
export function unknownFieldNotices(name: string, fields: readonly string[], where: string): Notice[] {
  if (fields.length === 0) return [];
  const shown = fields.slice(0, MOST_SHOWN).map((field) => field.slice(0, 80));
  const more = fields.length > MOST_SHOWN ? ` and ${fields.length - MOST_SHOWN} more` : "";
  const text = `${name} sets ${shown.join(", ")}${more} in ${where}, which lora-lego does not know and the result does not carry; check that ${fields.length === 1 ? "it does" : "they do"} not change what the adapter means.`;
  return [{ id: "unknown-field", text }];
}
