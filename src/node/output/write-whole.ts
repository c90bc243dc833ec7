import { closeSync, openSync, writeFileSync } from "node:fs";
import { naming } from "../files/named-failure.ts";

/** What a file holds: one text, bytes, or the pieces of a text. */
export type FileContent = string | Uint8Array | Iterable<string>;

/** Write a file whole; of several pieces one is held at a time. @throws OutputError that names the file */
export function writeWhole(path: string, content: FileContent): void {
  const whole = typeof content === "string" || content instanceof Uint8Array;
  naming(path, () => {
    const descriptor = openSync(path, "w");
    try {
      for (const piece of whole ? [content] : content) writeFileSync(descriptor, piece);
    } finally {
      closeSync(descriptor);
    }
  });
}
