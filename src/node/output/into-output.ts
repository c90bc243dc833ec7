import { formOf } from "../../convert/forms.ts";
import { UsageError } from "../../core/errors.ts";
import { OutputFile, type OutputFileOptions } from "./output-file.ts";
import { OutputFolder } from "./output-folder.ts";

/** How an output is put in place. */
export interface OutputOptions {
  /** Replace a folder that lora-lego wrote, or a file. Default false. */
  readonly force?: boolean;
  /** Called with one sentence for each thing left by an interrupted run that is cleaned up. */
  readonly onNotice?: (text: string) => void;
  /** Size of the output in bytes, if known; refused at once when less is free. */
  readonly bytes?: number;
}

/**
 * Write a folder that appears complete or not at all, even if `write` throws.
 *
 * @param inputs folders and files that are read: the folder must not be, contain or be inside one
 * @throws UsageError for the name of a single file; OutputError when the folder may not be written or has no room; whatever `write` throws
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
      `The output is a folder, but ${out} is named like a single file; pass a folder's name as --out.`,
    );
  }
  return whole(OutputFolder.create(out, inputs, force, onNotice), options, write);
}

/** Write a single file that appears complete or not at all. @param inputs as for `intoFolder` @throws as `intoFolder` */
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
