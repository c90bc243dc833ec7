import { type Writer, writerOf } from "../../src/convert/convert.ts";
import { WRITTEN_FORMATS } from "../../src/convert/formats.ts";

/** Every writer, loaded. */
export const WRITERS: readonly Writer[] = await Promise.all(WRITTEN_FORMATS.map(writerOf));

/** The writer of a format, loaded. */
export function loadedWriter(id: string): Writer {
  return WRITERS.find((writer) => writer.id === id)!;
}
