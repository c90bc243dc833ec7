import { type Consumer, type ConsumerId, consumerById } from "../adapter/consumers.ts";
import { UsageError } from "../core/errors.ts";
import { listed } from "../core/listed.ts";
import { FORMAT_IDS, FORMATS, type FormatId, OUTPUT_FORMS, type OutputForm, type WrittenFormat } from "./formats.ts";

/** The user's choice of output format. */
export interface FormatChoice {
  /** Default: decided by `for` and the output's name. */
  readonly to?: FormatId;
  /** The program that will load the output; its first format that holds the modules is used. */
  readonly for?: ConsumerId;
}

/** Endings of files that hold weights, or others, elsewhere. */
const OTHER_FILE = /\.(?:bin|pt|pth|ckpt|pkl|npz|npy|h5|onnx|msgpack|zip|tar|tgz|gz|7z|rar|json|ya?ml)$/i;

/**
 * The form that an output's name implies: one file if it ends in .safetensors or .gguf, else a folder.
 *
 * @throws UsageError for the ending of another file: whoever names one wants no folder of that name
 */
export function formOf(out: string): OutputForm {
  const [other] = OTHER_FILE.exec(out) ?? [];
  if (other !== undefined) {
    throw new UsageError(
      `lora-lego writes no ${other} files: a name that ends in .safetensors or .gguf means one file, and any other a folder; pass such a name as --out, not ${out}.`,
    );
  }
  return singleForm(out) ?? "folder";
}

/** What the name of a single file that is written ends in; null for any other name. */
export function singleForm(out: string): OutputForm | null {
  return OUTPUT_FORMS.find((form) => out.toLowerCase().endsWith(form) && form !== "folder") ?? null;
}

/** Whether an output is a PEFT folder, whatever is written to it. @throws UsageError as `convertFor` does */
export function isPeftFolder(out: string | null, choice: FormatChoice): boolean {
  const chosen = chosenFormats(choice);
  if (chosen === null) return out === null || formOf(out) === "folder";
  if (chosen[0] !== "peft") return false;
  refuseMisnamed("peft", out, choice);
  return true;
}

/** The formats that can be asked for, by what an output is: "peft, diffusers or mlx (a folder), ..." */
export function formatsInWords(): string {
  const ofForm = (form: OutputForm): string => {
    const ids = FORMAT_IDS.filter((id) => FORMATS[formatsNamed(id)[0]!].forms.includes(form));
    return `${listed(ids, "or")} (${form === "folder" ? "a folder" : `a ${form} file`})`;
  };
  return OUTPUT_FORMS.map(ofForm).join(", ");
}

/** A format by its id. @throws UsageError for an unknown one */
export function formatById(id: string): FormatId {
  const found = FORMAT_IDS.find((known) => known === id);
  if (found !== undefined) return found;
  throw new UsageError(`There is no format "${id}" to write; choose one of ${FORMAT_IDS.join(", ")}.`);
}

/** The formats that a name stands for: comfyui is whichever ComfyUI loads, the first one where it holds the modules. */
function formatsNamed(id: FormatId): readonly WrittenFormat[] {
  return id === "comfyui" ? formatsFor(consumerById(id)) : [id];
}

/** The formats that a program loads, each of which has a writer. */
export function formatsFor({ formats }: Consumer): readonly WrittenFormat[] {
  return formats as readonly WrittenFormat[];
}

/** The formats that the choice names, or null for none. */
export function chosenFormats({ to, for: id }: FormatChoice): readonly WrittenFormat[] | null {
  const consumer = id === undefined ? null : consumerById(id);
  if (to === undefined) return consumer === null ? null : formatsFor(consumer);
  if (consumer === null) return formatsNamed(to);
  const loaded = loadedOf(to, consumer);
  if (loaded.length > 0) return loaded;
  throw new UsageError(
    `${consumer.title} loads ${consumer.formats.join(" and ")} files, not ${to}; ask for the format (--to) or for the program (--for), not for both.`,
  );
}

/** @throws UsageError for a format that the program of the choice does not load */
export function refuseContradiction(choice: FormatChoice): void {
  chosenFormats(choice);
}

/** The formats that a name stands for and a program loads. */
function loadedOf(to: FormatId, { formats }: Consumer): readonly WrittenFormat[] {
  return formatsNamed(to).filter((format) => formats.includes(format));
}

/** The program that a choice names if it does not load the format of the choice; null where the two agree. */
export function contradicted({ to, for: id }: FormatChoice): Consumer | null {
  if (to === undefined || id === undefined) return null;
  const consumer = consumerById(id);
  return loadedOf(to, consumer).length > 0 ? null : consumer;
}

/** Whether a format can be written in the form of an output; null where that is not known. */
export function holdsForm(format: WrittenFormat, out: string | null): boolean {
  return out === null || FORMATS[format].forms.includes(formOf(out));
}

/** @throws UsageError where an output's name is none of a format's forms */
function refuseMisnamed(format: WrittenFormat, out: string | null, choice: FormatChoice): void {
  const why = whyMisnamed(format, out, choice);
  if (why !== null) throw new UsageError(why);
}

/** What is wrong with an output's name that is none of a format's forms, with the format or the program as the choice names it; else null. */
export function whyMisnamed(format: WrittenFormat, out: string | null, { to, for: id }: FormatChoice): string | null {
  if (holdsForm(format, out)) return null;
  const { forms } = FORMATS[format];
  const [kind, name] = forms.includes("folder")
    ? ["folders", "a folder's name"]
    : ["one file", `a name that ends in ${forms[0]}`];
  const also = forms.length > 1 ? ` or files that end in ${forms[1]}` : "";
  const adapters =
    to === undefined && id !== undefined ? `adapters for ${consumerById(id).title}` : `${to ?? format} adapters`;
  return `${adapters} are ${kind}${also}; pass --out with ${name}, not ${out}.`;
}
