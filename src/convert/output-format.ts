import type { Adapter } from "../adapter/adapter.ts";
import { type Consumer, consumerById } from "../adapter/consumers.ts";
import type { AdapterText } from "../adapter/dialect.ts";
import { ofImageModel } from "../adapter/names/components.ts";
import { numberedList } from "../adapter/names/numbered.ts";
import { isOfT5 } from "../adapter/names/without-t5.ts";
import { RefusedError, UsageError } from "../core/errors.ts";
import { shellPath } from "../core/shell-word.ts";
import type { Conversion } from "./conversion.ts";
import { type Writer, writerOf } from "./convert.ts";
import { WRITTEN_FORMATS, type WrittenFormat } from "./formats.ts";
import { chosenFormats, type FormatChoice, formOf, holdsForm, whyMisnamed } from "./forms.ts";

/**
 * Convert an adapter for an output: by the format that the choice or the output's name means, or by the first of several that can hold it.
 *
 * @param out path of the output, whose name implies its form; null where it is not known
 * @param adapter to be written; a .safetensors file keeps its dialect unless the choice says otherwise
 * @throws UsageError where choice and output do not match; RefusedError for what no format can hold, as the first one refuses it
 */
export async function convertFor(
  out: string | null,
  choice: FormatChoice,
  adapter: Adapter,
  baseConfig: AdapterText | null,
): Promise<{ readonly writer: Writer; readonly conversion: Conversion }> {
  const chosen = chosenFormats(choice);
  const [first, ...others] = chosen ?? formatsOfForm(out, adapter);
  const misnamed = whyMisnamed(first!, out, choice);
  const reasons: RefusedError[] = [];
  for (const id of [first!, ...others.filter((id) => holdsForm(id, out) && isSafe(choice, id, adapter))]) {
    const writer = await writerOf(id);
    const conversion = converted(writer, adapter, baseConfig, misnamed);
    if (conversion instanceof RefusedError) {
      reasons.push(conversion);
      continue;
    }
    // A name is easily changed, so what no format can hold is said before it.
    if (misnamed !== null) throw new UsageError(misnamed);
    return { writer, conversion };
  }
  const [reason] = reasons;
  if (chosen === null || chosen.length === 1) throw reason;
  const { title, formats } = consumerById(choice.for ?? choice.to!);
  throw new RefusedError(`${reason!.message.replace(/\.$/, "")} (${title} loads ${formats.join(" and ")} files).`);
}

/** A conversion, or why the format cannot hold the adapter. @throws UsageError for the rest of the choice, after what is wrong with the name */
function converted(
  writer: Writer,
  adapter: Adapter,
  baseConfig: AdapterText | null,
  misnamed: string | null,
): Conversion | RefusedError {
  try {
    return writer.convert(adapter, baseConfig);
  } catch (error) {
    if (error instanceof RefusedError) return error;
    if (misnamed === null || !(error instanceof UsageError)) throw error;
    throw new UsageError(`${misnamed.replace(/\.$/, "")}; ${error.message}`);
  }
}

/** The formats for an output where only its name decides. */
function formatsOfForm(out: string | null, { format, modules }: Adapter): readonly WrittenFormat[] {
  const form = out === null ? "folder" : formOf(out);
  if (form === "folder") return ["peft"];
  if (form === ".gguf") return ["gguf"];
  const own = WRITTEN_FORMATS.find((id) => id === format);
  if (own !== undefined && holdsForm(own, out)) return [own];
  if (ofImageModel(modules.keys())) return ["kohya", "diffusers"];
  const [module] = modules.keys();
  if (numberedList(module!) !== null) {
    throw new RefusedError(
      `${out}: a single .safetensors file names the modules of an image model, but this adapter numbers them (such as ${module}); pass a folder's name as --out.`,
    );
  }
  throw new RefusedError(
    `${out}: a single .safetensors file is for adapters of image models, but ${module} is not named like a module of one; pass a folder's name as --out, or a name that ends in .gguf.`,
  );
}

/**
 * ComfyUI does not find attentions of UNets by diffusers' names, so these cannot replace kohya's there; and of kohya's names diffusers
 * leaves those of T5 out in silence.
 */
function isSafe({ to, for: consumer }: FormatChoice, id: WrittenFormat, { modules }: Adapter): boolean {
  const [program, names] = [consumer ?? to, [...modules.keys()]];
  if (program === "comfyui" && id === "diffusers") return !names.some((name) => name.startsWith("unet."));
  return program !== "diffusers" || id !== "kohya" || !names.some(isOfT5);
}

/** Refuse an adapter that its program loads only after changes that a conversion, unlike a merge, does not make. */
export function refuseUnshaped(
  { title, id, formats, differing, stacks, everyLayer, ranks }: Consumer,
  { modules }: Pick<Adapter, "modules">,
  [path, out]: readonly [path: string, out: string],
): void {
  if (!formats.includes("peft") || (differing === "all" && !stacks && !everyLayer)) return;
  const odd = [...modules.values()].find(({ rank }) => ranks !== null && !ranks.includes(rank));
  const takes =
    odd === undefined
      ? "one rank and one scale for all modules, but a conversion does not change them"
      : `rank ${ranks!.join(", ")} alone, but ${odd.name} has rank ${odd.rank}, which a conversion does not change`;
  throw new UsageError(
    `${title} takes ${takes}; run lora-lego merge ${shellPath(path)} --method cat --for ${id} --out ${shellPath(out)}, which gives the same deltas in that shape.`,
  );
}
