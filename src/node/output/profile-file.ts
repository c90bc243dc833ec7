import { formOf } from "../../convert/forms.ts";
import { OutputError } from "../../core/errors.ts";
import type { Profile } from "../../lanes/profile.ts";
import { isWithin, realPath } from "../files/real-path.ts";
import { OutputFile } from "./output-file.ts";
import type { PlaceOptions } from "./output-place.ts";

const AS_PROFILE = { flag: "--profile", remade: true } as const;

/**
 * Do work, and write the profile that it filled, if there is one. The output and its report are complete before it.
 *
 * @throws OutputError before any work when the profile would replace something else or lie in the output; whatever `work` throws
 */
export async function withProfile<T>(
  { out, report, profile: file, force = false }: PlaceOptions & { readonly out: string; readonly profile?: string },
  inputs: readonly string[],
  profile: Profile | undefined,
  work: () => Promise<T>,
): Promise<T> {
  if (file === undefined || profile === undefined) return work();
  const options = { inputs, force, ...AS_PROFILE };
  const path = OutputFile.check(file, options);
  const refuse = (why: string): never => {
    throw new OutputError(`The profile ${file} ${why}; choose another --profile.`);
  };
  if (isWithin(path, realPath(out))) refuse(formOf(out) === "folder" ? "lies in the output" : "is the output itself");
  if (report !== undefined && realPath(report) === path) refuse("is the report");
  const result = await work();
  profile.mark("flush");
  OutputFile.write(file, profile.toString(), options);
  return result;
}
