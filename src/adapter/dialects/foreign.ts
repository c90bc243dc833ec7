import type { Dialect } from "../dialect.ts";
import { plainAdapter } from "../plain-adapter.ts";

/** Adapters that are no LoRA, by a key that only they have. */
const METHODS: readonly (readonly [RegExp, string])[] = [
  [
    /\.(hada_w[12]_[ab]|hada_t[12]|lokr_w[12]|lokr_w[12]_[ab]|lokr_t2|oft_blocks|oft_diag|on_input$)|^lora_.*\.[ab][12]\.weight$/,
    "LyCORIS (LoHa, LoKr, OFT, GLoRA or IA3)",
  ],
  [
    /\.(ia3_l|vera_lambda_[bd]|boft_[RS]|hra_u|ln_tuning_layers|randlora_|fourierft_spectrum)/,
    "another PEFT method than LoRA",
  ],
];

const methodOf = (key: string): string | null => METHODS.find(([pattern]) => pattern.test(key))?.[1] ?? null;

/** No LoRA at all: known by what it is called and by its tensors alone. */
export const foreign: Dialect = {
  id: "foreign",
  title: "foreign",
  recognises: (key) => methodOf(key) !== null,
  async read({ name, files, tensors }) {
    const key = [...tensors.keys()].find((candidate) => methodOf(candidate) !== null)!;
    const text = `is an adapter of ${methodOf(key)} (tensor ${key}), which is not plain LoRA, so its units cannot be merged; pass a LoRA adapter.`;
    const variants = [{ id: "other_method", text } as const];
    return plainAdapter("foreign", { name, files, modules: new Map(), variants, others: tensors });
  },
};
