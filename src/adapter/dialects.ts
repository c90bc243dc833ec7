import { RefusedError } from "../core/errors.ts";
import type { DialectId } from "./adapter.ts";
import type { AdapterContents, Dialect } from "./dialect.ts";
import { diffusers } from "./dialects/diffusers.ts";
import { gguf } from "./dialects/gguf.ts";
import { kohya } from "./dialects/kohya.ts";
import { loraDiffusion } from "./dialects/lora-diffusion.ts";
import { mlx } from "./dialects/mlx.ts";
import { peft } from "./dialects/peft.ts";
import { sam } from "./dialects/sam.ts";

/** Every dialect that is read. PEFT's comes last: it takes what nobody else knows, to say what is wrong with it. */
const DIALECTS: readonly Dialect[] = [kohya, diffusers, gguf, mlx, loraDiffusion, sam, peft];

/** Adapters that are no LoRA, by a key that only they have. */
const FOREIGN: readonly (readonly [RegExp, string])[] = [
  [
    /\.(hada_w[12]_[ab]|hada_t[12]|lokr_w[12]|lokr_w[12]_[ab]|lokr_t2|oft_blocks|oft_diag|on_input$)|^lora_.*\.[ab][12]\.weight$/,
    "LyCORIS (LoHa, LoKr, OFT, GLoRA or IA3)",
  ],
  [
    /\.(ia3_l|vera_lambda_[bd]|boft_[RS]|hra_u|ln_tuning_layers|randlora_|fourierft_spectrum)/,
    "another PEFT method than LoRA",
  ],
];

/**
 * The dialect in which an adapter's tensors are named, told by the names alone.
 *
 * @throws RefusedError, by its name, for what is no LoRA
 */
export function dialectOf({ name, tensors }: AdapterContents): Dialect {
  const keys = [...tensors.keys()];
  for (const [pattern, what] of FOREIGN) {
    const key = keys.find((candidate) => pattern.test(candidate));
    if (key === undefined) continue;
    throw new RefusedError(
      `${name} is an adapter of ${what} (tensor ${key}), which is not plain LoRA, so its units cannot be merged; pass a LoRA adapter.`,
    );
  }
  return DIALECTS.find((dialect) => keys.some((key) => dialect.recognises(key))) ?? peft;
}

/** What tables call a dialect. */
export function dialectTitle(id: DialectId): string {
  return DIALECTS.find((dialect) => dialect.id === id)!.title;
}
