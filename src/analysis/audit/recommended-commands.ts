import type { DialectId } from "../../adapter/adapter.ts";
import { ofImageModel } from "../../adapter/names/components.ts";
import { shellPath } from "../../core/shell-word.ts";
import type { Method } from "../../methods/method.ts";
import type { MergePlan } from "../../plan/merge-plan.ts";
import { GGUF_FLAG } from "../../report/fix-command.ts";
import { reportFlag } from "../../report/report-beside.ts";
import type { Chosen, SetFacts } from "./set-facts.ts";

/** Formats of adapters that are one file each, wherever it lies. */
const SINGLE_FILES: readonly DialectId[] = ["kohya", "diffusers", "sam", "lora_diffusion"];

function isSafetensors(path: string): boolean {
  return path.endsWith(".safetensors");
}

/** The command of a merge of some adapters, with these flags. @param method null for `--method auto` */
export type CommandFor = (chosen: Chosen, method: Pick<Method, "id" | "cut"> | null, ...flags: string[]) => string;

/** The commands of merges of some adapters of a set, each with an output of its own. */
export function commandsOf(
  { modules }: MergePlan,
  { paths, formats, extras, allowPartial, free }: SetFacts,
): CommandFor {
  // Single files are merged into one, for the program that loads them; those of language models are the files of folders.
  const gguf = formats.every((format) => format === "gguf");
  const single = formats.every((format) => SINGLE_FILES.includes(format)) || paths.every(isSafetensors);
  const ofImages = ofImageModel(modules.map(({ name }) => name));
  const end = gguf ? ".gguf" : single && ofImages ? ".safetensors" : "";
  return ({ acts, weights }, method, ...flags) => {
    const leaves = leftOutOf(acts);
    const used = <T>(values: readonly T[]): T[] => values.filter((_, t) => !leaves.includes(t));
    const weighted = weights === null ? [] : ["--weights", used(weights).join(",")];
    const own = used(paths);
    const reading = own.some((path) => path.endsWith(".gguf")) ? GGUF_FLAG.words : [];
    const out = free(`merged${end}`);
    const words = [
      ...own.map(shellPath),
      ...weighted,
      ...(method === null ? [] : ["--method", method.id]),
      ...flags,
      ...(extras === null ? [] : ["--extras", extras]),
      ...(allowPartial ? ["--allow-partial"] : []),
      ...reading,
      ...(method === null ? [] : reportFlag(method, out)),
      "--out",
      out,
    ];
    return `lora-lego merge ${words.join(" ")}`;
  };
}

/** Adapters that change nothing are left out, unless none does. */
export function leftOutOf(acts: readonly boolean[]): number[] {
  return acts.includes(true) ? acts.flatMap((own, t) => (own ? [] : t)) : [];
}
