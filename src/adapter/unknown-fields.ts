import type { Notice } from "./adapter.ts";

/** Names that a sentence lists. */
const MOST_SHOWN = 5;

/**
 * Say which fields of a config are set that nobody here knows: they may change what the adapter means.
 *
 * @param where what holds the fields, in words
 */
export function unknownFieldNotices(name: string, fields: readonly string[], where: string): Notice[] {
  if (fields.length === 0) return [];
  const shown = fields.slice(0, MOST_SHOWN).map((field) => field.slice(0, 80));
  const more = fields.length > MOST_SHOWN ? ` and ${fields.length - MOST_SHOWN} more` : "";
  const text = `${name} sets ${shown.join(", ")}${more} in ${where}, which lora-lego does not know and the result does not carry; check that ${fields.length === 1 ? "it does" : "they do"} not change what the adapter means.`;
  return [{ id: "unknown-field", text }];
}
