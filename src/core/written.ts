/** The mark in pages and tables that lora-lego writes. */
export const WRITTEN: string = "<!-- Written by lora-lego -->";

/** How many leading bytes of a file `isWritten` needs. */
export const WRITTEN_WITHIN_BYTES: number = 512;

/** Whether a file is a page, a table or a report that lora-lego wrote, by its first bytes as text. */
export function isWritten(start: string): boolean {
  const [first, second] = start.split("\n");
  if (first === WRITTEN || (first === "<!doctype html>" && second === WRITTEN)) return true;
  return /^\{\s*"version":\s*\d+,\s*"tool":\s*"lora-lego [^"]*",/.test(start);
}
