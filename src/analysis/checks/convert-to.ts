import type { DialectId } from "../../adapter/adapter.ts";

/** The command that writes an adapter in a format, with the flag that GGUF cannot do without. */
export function convertTo(format: DialectId): string {
  return `lora-lego convert --to ${format}${format === "gguf" ? " --base-config BASE/config.json" : ""}`;
}
