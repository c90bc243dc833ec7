import type { Adapter, DialectId } from "../adapter/adapter.ts";
import { type Consumer, type ConsumerId, consumerById, FORMAT_IDS, type FormatId } from "../adapter/consumers.ts";
import type { AdapterText } from "../adapter/dialect.ts";
import { ofImageModel } from "../adapter/names/components.ts";
import { RefusedError, UsageError } from "../core/errors.ts";
import { type Conversion, OUTPUT_FORMS, type OutputForm, type Writer } from "./conversion.ts";
import { WRITERS, writerOf } from "./convert.ts";

/** The user's choice of output format. */
export interface FormatChoice {
  /** Default: decided by `for` and the output's name. */
  readonly to?: FormatId;
  /** The program that will load the output; its first format that holds the modules is used. */
  readonly for?: ConsumerId;
}

/** The form that an output's name implies: one file if it ends in .safetensors or .gguf, else a folder. */
export function formOf(out: string): OutputForm {
  return OUTPUT_FORMS.find((form) => out.toLowerCase().endsWith(form) && form !== "folder") ?? "folder";
}

/**
 * The writers to try for an output, in order: later ones are for modules that earlier ones have no names for.
 *
 * @param out path of the output, whose name implies its form; null where it is not known
 * @param adapter to be written; a .safetensors file keeps its dialect unless the choice says otherwise
 * @throws UsageError where choice and output do not match; RefusedError for a single file that cannot hold the adapter
 */
export function writersFor(out: string | null, choice: FormatChoice, adapter: Adapter): readonly Writer[] {
  const ids = chosenFormats(choice) ?? formatsOfForm(out, adapter);
  const [first, ...others] = ids.map(writerOf) as [Writer, ...Writer[]];
  refuseMisnamed(first, out);
  return [first, ...others.filter((writer) => holdsForm(writer, out) && isSafe(choice, writer.id, adapter))];
}

/** Whether an output is a PEFT folder, whatever is written to it. @throws UsageError as `writersFor` does */
export function isPeftFolder(out: string | null, choice: FormatChoice): boolean {
  const chosen = chosenFormats(choice);
  if (chosen === null) return out === null || formOf(out) === "folder";
  if (chosen[0] !== "peft") return false;
  refuseMisnamed(writerOf("peft"), out);
  return true;
}

/** The formats that can be asked for, by what an output is: "peft, diffusers or mlx (a folder), ..." */
export function formatsInWords(): string {
  const ofForm = (form: OutputForm): string => {
    const ids = FORMAT_IDS.filter((id) => writersNamed(id)[0]!.forms.includes(form));
    const words = [ids.slice(0, -1).join(", "), ids.at(-1)!].filter((text) => text !== "").join(" or ");
    return `${words} (${form === "folder" ? "a folder" : `a ${form} file`})`;
  };
  return OUTPUT_FORMS.map(ofForm).join(", ");
}

/** The writers that a format names: comfyui is whichever ComfyUI loads, the first one where it holds the modules. */
function writersNamed(id: FormatId): readonly Writer[] {
  return (id === "comfyui" ? consumerById(id).formats : [id]).map(writerOf);
}

/** The formats that the choice names, or null for none. */
function chosenFormats({ to, for: id }: FormatChoice): readonly DialectId[] | null {
  const consumer = id === undefined ? null : consumerById(id);
  if (to === undefined) return consumer?.formats ?? null;
  if (!FORMAT_IDS.includes(to)) {
    throw new UsageError(`There is no format "${to}" to write; choose one of ${FORMAT_IDS.join(", ")}.`);
  }
  const named = writersNamed(to).map((writer) => writer.id);
  if (consumer === null) return named;
  const loaded = named.filter((format) => consumer.formats.includes(format));
  if (loaded.length > 0) return loaded;
  throw new UsageError(
    `${consumer.title} loads ${consumer.formats.join(" and ")} files, not ${to}; ask for the format (--to) or for the program (--for), not for both.`,
  );
}

/** The formats for an output where only its name decides. */
function formatsOfForm(out: string | null, { format, modules }: Adapter): readonly DialectId[] {
  const form = out === null ? "folder" : formOf(out);
  if (form === "folder") return ["peft"];
  if (form === ".gguf") return ["gguf"];
  if (WRITERS.some(({ id, forms }) => id === format && forms.includes(form))) return [format];
  if (ofImageModel(modules.keys())) return ["kohya", "diffusers"];
  const [module] = modules.keys();
  throw new RefusedError(
    `${out}: a single .safetensors file is for adapters of image models, but ${module} is not named like a module of one; pass a folder's name as --out, or a name that ends in .gguf.`,
  );
}

/** ComfyUI does not find attentions of UNets by diffusers' names, so these cannot replace kohya's there. */
function isSafe({ to, for: consumer }: FormatChoice, id: DialectId, { modules }: Adapter): boolean {
  if ((consumer ?? to) !== "comfyui" || id !== "diffusers") return true;
  return ![...modules.keys()].some((name) => name.startsWith("unet."));
}

function holdsForm({ forms }: Writer, out: string | null): boolean {
  return out === null || forms.includes(formOf(out));
}

function refuseMisnamed(writer: Writer, out: string | null): void {
  if (holdsForm(writer, out)) return;
  const { id, forms } = writer;
  const [kind, name] = forms.includes("folder")
    ? ["folders", "a folder's name"]
    : ["one file", `a name that ends in ${forms[0]}`];
  const also = forms.length > 1 ? ` or files that end in ${forms[1]}` : "";
  throw new UsageError(`${id} adapters are ${kind}${also}; pass --out with ${name}, not ${out}.`);
}

/**
 * Convert an adapter with the first of these writers that can hold it.
 *
 * @param writers from `writersFor`
 * @throws the first writer's error, where none can hold it
 */
export function convertByFirst(
  writers: readonly Writer[],
  adapter: Adapter,
  baseConfig: AdapterText | null,
): { readonly writer: Writer; readonly conversion: Conversion } {
  let reason: unknown = null;
  for (const writer of writers) {
    try {
      return { writer, conversion: writer.convert(adapter, baseConfig) };
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      reason ??= error;
    }
  }
  throw reason;
}

/** Refuse an adapter that its program loads only after changes that a conversion, unlike a merge, does not make. */
export function refuseUnshaped({ title, id, formats, differing, stacks, everyLayer }: Consumer, path: string): void {
  if (!formats.includes("peft") || (differing === "all" && !stacks && !everyLayer)) return;
  throw new UsageError(
    `${title} takes one rank and one scale for all modules, but a conversion does not change them; run lora-lego merge ${path} --method cat --for ${id}, which gives the same deltas in that shape.`,
  );
}
