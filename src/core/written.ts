/** What a page or table that lora-lego writes says of itself. */
export const WRITTEN: string = "<!-- Written by lora-lego -->";

/** Bytes of a file in which `isWritten` looks. */
export const WRITTEN_WITHIN_BYTES: number = 512;

/** Whether a file is a page, a table or a report that lora-lego wrote, by its first bytes as text. */
export function isWritten(start: string): boolean {
  const [first, second] = start.split("\n");
  if (first === WRITTEN || (first === "<!doctype html>" && second === WRITTEN)) return true;
  return /^\{\s*"version": \d+,\s*"tool": "lora-lego [^"]*",/.test(start);
}
