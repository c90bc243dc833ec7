import type { Adapter } from "../../adapter/adapter.ts";
import type { Consumer, ConsumerId } from "../../adapter/consumers.ts";
import { ofEncoder } from "../../adapter/names/encoders.ts";
import type { BaseFacts } from "../base-facts.ts";

/** Programs that take LoRA for some architectures alone. */
const SERVERS: readonly ConsumerId[] = ["vllm", "sglang", "tgi"];

/** What has to be known before a server can be said to take the adapter of an encoder; null where nothing has. */
export function undecidedFor(
  { modules }: Pick<Adapter, "modules">,
  { id, title, version }: Consumer,
  base: BaseFacts | null,
): string | null {
  if (base !== null || !SERVERS.includes(id) || !ofEncoder(modules.keys())) return null;
  return `whether ${title} ${version} takes LoRA for an encoder, which the base model's config tells (pass --base-config)`;
}
