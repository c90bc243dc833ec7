import type { Dialect } from "../dialect.ts";
import { plainAdapter } from "../plain-adapter.ts";
import { isSideTensor } from "../side-tensors.ts";

/** A parametrisation of LyCORIS whose delta depends on the base's weights. */
const ofBase = (what: string, how: string) => (key: string) =>
  `is ${what} of LyCORIS (tensor ${key}), which ${how} the base's weights, so it is not plain LoRA; ${FROM_MODEL}.`;
const FROM_MODEL =
  "merge it into its base with LyCORIS or ComfyUI, and take a LoRA from that model with lora-lego extract";

/** Adapters that are not LoRA, or are LoRA in a form that is not read, by a key that only they have. */
const METHODS: readonly (readonly [RegExp, (key: string) => string])[] = [
  [/\.(oft_blocks|oft_diag)$/, ofBase("a Diag-OFT or BOFT", "rotates")],
  [/\.on_input$/, ofBase("an IA3", "scales")],
  [/^(?:(?:lora|lycoris)_|diffusion_model\.).*\.[ab][12]\.weight$/, ofBase("a GLoRA", "multiplies")],
  [/\.lambda_layer$/, ofBase("a T-LoRA", "starts from directions of")],
];

const textOf = (key: string): string | null => METHODS.find(([pattern]) => pattern.test(key))?.[1](key) ?? null;

/** Whether a file holds nothing but differences of whole tensors. */
export function isWholeDifferences(keys: readonly string[]): boolean {
  return keys.length > 0 && keys.every(isSideTensor);
}

/** Adapters that are recognised but not interpreted: only their name and tensors are known. */
export const foreign: Dialect = {
  title: "foreign",
  recognises: (key) => textOf(key) !== null,
  async read({ name, files, tensors }) {
    const [first] = tensors.keys();
    const text =
      [...tensors.keys()].map(textOf).find((found) => found !== null) ??
      `holds differences of whole tensors (such as ${first}), as full training by LyCORIS saves them, and no factors; ${FROM_MODEL}.`;
    const variants = [{ id: "other_method", text } as const];
    return plainAdapter({ name, files, modules: new Map(), variants, others: tensors });
  },
};
