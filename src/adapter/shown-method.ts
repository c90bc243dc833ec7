import { parseFactorKey } from "../formats/peft-folder/keys.ts";
import { isLoraLike } from "../formats/peft-folder/lora-like-config.ts";

/** Methods of PEFT 0.21.2 (peft_types.py). */
export const PEFT_TYPES: ReadonlySet<string> = new Set(
  [
    "PROMPT_TUNING MULTITASK_PROMPT_TUNING P_TUNING PREFIX_TUNING LORA ADALORA ADAMSS BOFT ADAPTION_PROMPT IA3 BEFT LILY LOHA LOKR",
    "OFT POLY LN_TUNING VERA FROD PVERA FOURIERFT GLORA XLORA HRA VBLORA UNILORA CPT MISS RANDLORA ROAD TRAINABLE_TOKENS HIRA SHIRA",
    "C3A WAVEFT OSF DELORA GRALORA CARTRIDGE TINYLORA PSOFT PEANUT SHADOW SUPERTUNING DEFT",
  ].flatMap((line) => line.split(" ")),
);

/** Methods that write their own name before each part, in small letters. */
const NAMED =
  "vera pvera randlora vblora unilora tinylora delora gralora c3a shira miss bone hira boft oft road osf glora deft frod peanut psoft lily waveft fourierft hra ia3 beft adamss".split(
    " ",
  );

/** Names of tensors that only one method of PEFT 0.21.2 gives, by its peft_type. */
const NAMES: Readonly<Record<string, (key: string) => boolean>> = {
  LORA: (key) => parseFactorKey(key) !== null,
  ADALORA: (key) => key.endsWith(".lora_E"),
  LOHA: (key) => /\.hada_[wt][12]/.test(key),
  LOKR: (key) => /\.lokr_(w[12]|t2)/.test(key),
  LN_TUNING: (key) => /\.ln_tuning_layers/.test(key),
  ...Object.fromEntries(
    NAMED.map((method) => [method.toUpperCase(), (key: string): boolean => key.includes(`.${method}_`)]),
  ),
};

/** A method of PEFT, and a tensor that shows it. */
export interface ShownMethod {
  readonly method: string;
  readonly key: string;
}

/** The method that a tensor's name shows, null where many methods may have it. */
export function methodOfKey(key: string): string | null {
  return Object.keys(NAMES).find((method) => NAMES[method]!(key)) ?? null;
}

/** A method of PEFT that tensors show instead of this one; null where some are its own, or none shows a method. */
export function otherMethod(method: string, keys: Iterable<string>): ShownMethod | null {
  if (!PEFT_TYPES.has(method) && !isLoraLike(method)) return null;
  let other: ShownMethod | null = null;
  for (const key of keys) {
    const shown = methodOfKey(key);
    if (shown === method) return null;
    if (shown !== null) other ??= { method: shown, key };
  }
  return other;
}
