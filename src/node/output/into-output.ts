import { formOf } from "../../convert/output-format.ts";
import { UsageError } from "../../core/errors.ts";
import { OutputFile, type OutputFileOptions } from "./output-file.ts";
import { OutputFolder } from "./output-folder.ts";

/** How an output takes its place. */
export interface OutputOptions {
  /** Replace a folder that lora-lego wrote, or a file. Default false. */
  readonly force?: boolean;
  /** Told in one sentence each what was put right after a run that was cut off. */
  readonly onNotice?: (text: string) => void;
  /** What will be written, in bytes, where it is known: refused at once where less is free. */
  readonly bytes?: number;
}

/**
 * Write a folder that appears complete or not at all, whatever `write` throws.
 *
 * @param inputs folders and files that are read: the folder is, holds and lies in none of them
 * @throws UsageError for the name of a single file; OutputError when the folder is not ours to write or has no room; what `write` throws
 */
export async function intoFolder<T>(
  out: string,
  inputs: readonly string[],
  options: OutputOptions,
  write: (output: OutputFolder) => Promise<T>,
): Promise<T> {
  const { force = false, onNotice = () => {} } = options;
  if (formOf(out) !== "folder") {
    throw new UsageError(
      `A folder is written, but ${out} has the name of a single file; pass a folder's name as --out.`,
    );
  }
  return whole(OutputFolder.create(out, inputs, force, onNotice), options, write);
}

/** Write a single file that appears complete or not at all. @param inputs as of `intoFolder`; @throws likewise */
export function intoFile<T>(
  out: string,
  inputs: readonly string[],
  options: OutputOptions & Pick<OutputFileOptions, "flag" | "remade">,
  write: (output: OutputFile) => Promise<T>,
): Promise<T> {
  const { onNotice, bytes: _, ...place } = options;
  return whole(OutputFile.create(out, { ...place, inputs, ...(onNotice && { tell: onNotice }) }), options, write);
}

async function whole<Output extends OutputFolder | OutputFile, T>(
  output: Output,
  { bytes = 0 }: OutputOptions,
  write: (output: Output) => Promise<T>,
): Promise<T> {
  try {
    if (bytes > 0) output.checkSpace(bytes);
    const result = await write(output);
    output.commit();
    return result;
  } catch (error) {
    output.discard();
    throw error;
  }
}
