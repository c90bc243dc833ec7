import type { Dialect } from "../dialect.ts";
import { plainAdapter } from "../plain-adapter.ts";

const noLora = (what: string) => (key: string) =>
  `is an adapter of ${what} (tensor ${key}), which is not plain LoRA, so its units cannot be merged; pass a LoRA adapter.`;

/** Adapters that are not LoRA, or are LoRA in a form that is not read, by a key that only they have. */
const METHODS: readonly (readonly [RegExp, (key: string) => string])[] = [
  [
    /\.(hada_w[12]_[ab]|hada_t[12]|lokr_w[12]|lokr_w[12]_[ab]|lokr_t2|oft_blocks|oft_diag|on_input$)|^lora_.*\.[ab][12]\.weight$/,
    noLora("LyCORIS (LoHa, LoKr, OFT, GLoRA or IA3)"),
  ],
  [
    /\.(ia3_l|vera_lambda_[bd]|boft_[RS]|hra_u|ln_tuning_layers|randlora_|fourierft_spectrum)/,
    noLora("a PEFT method other than LoRA"),
  ],
];

const textOf = (key: string): string | null => METHODS.find(([pattern]) => pattern.test(key))?.[1](key) ?? null;

/** Adapters that are recognised but not interpreted: only their name and tensors are known. */
export const foreign: Dialect = {
  title: "foreign",
  recognises: (key) => textOf(key) !== null,
  async read({ name, files, tensors }) {
    const text = [...tensors.keys()].map(textOf).find((found) => found !== null)!;
    const variants = [{ id: "other_method", text } as const];
    return plainAdapter({ name, files, modules: new Map(), variants, others: tensors });
  },
};
