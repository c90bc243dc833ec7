import type { Adapter } from "../adapter/adapter.ts";
import type { Consumer } from "../adapter/consumers.ts";
import { RefusedError } from "../core/errors.ts";

/**
 * The tokens after which merged activated LoRAs act: those of all of them; none for other adapters.
 *
 * @param used the adapters that take part
 * @throws RefusedError where they differ
 */
export function sharedActivation(used: readonly Adapter[]): readonly number[] {
  const [first, ...others] = used as [Adapter, ...Adapter[]];
  const { invocationTokens: tokens } = first;
  for (const { name, invocationTokens: own } of others) {
    if (own.join() === tokens.join()) continue;
    throw new RefusedError(
      `${first.name} acts ${when(tokens)} and ${name} ${when(own)} (alora_invocation_tokens), but a merged adapter has one rule for all its units; merge adapters with the same tokens.`,
    );
  }
  return tokens;
}

function when(tokens: readonly number[]): string {
  return tokens.length === 0 ? "on all tokens" : `after the tokens ${tokens.join(", ")}`;
}

/** Refuse activated LoRAs for a program that would apply their deltas to all tokens. @param tokens none for other adapters */
export function refuseUnactivated({ title, formats, variants }: Consumer, tokens: readonly number[]): void {
  // Writers of other formats refuse them themselves.
  if (tokens.length === 0 || !formats.includes("peft") || variants.alora === "loads") return;
  throw new RefusedError(
    `${title} does not know activated LoRAs, which act after the tokens ${tokens.join(", ")} alone; leave --for out and serve it in PEFT, or in llama.cpp as GGUF.`,
  );
}
