import { RefusedError } from "../core/errors.ts";
import type { Adapter } from "./adapter.ts";

/** The tokens after which an activated LoRA acts; none for other adapters. @throws RefusedError where they are not read */
export function invocationTokens({ name, format, peft, variants }: Adapter): readonly number[] {
  const tokens = peft?.invocationTokens ?? [];
  if (tokens.length > 0 || !variants.some(({ id }) => id === "alora")) return tokens;
  throw new RefusedError(
    `${name} is an activated LoRA, and lora-lego does not read the tokens after which it acts from ${format} files; pass the PEFT folder that it was made from.`,
  );
}
