import { RefusedError } from "../core/errors.ts";
import { PEFT_PREFIX } from "../formats/peft-folder/keys.ts";
import type { AdapterContents } from "./dialect.ts";

/**
 * Refuse names next to a PEFT config that may be PEFT's without their prefix, because their scale would be a guess.
 *
 * @param bare such a module's name; undefined where there is none
 */
export function refuseConfig(
  { name, config }: Pick<AdapterContents, "name" | "config">,
  bare: string | undefined,
): void {
  if (config === null || bare === undefined) return;
  throw new RefusedError(
    `${name}: ${bare} starts neither with ${PEFT_PREFIX}, as PEFT's keys do next to ${config.where}, nor with a diffusers component, so its scale is not certain; save the adapter with save_pretrained, or remove the config if it belongs to something else.`,
  );
}
