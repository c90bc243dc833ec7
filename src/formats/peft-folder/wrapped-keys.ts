import { PEFT_PREFIX } from "./keys.ts";

/** Segments that torch.compile, FSDP and activation checkpointing put into the names of what they wrap. */
const WRAPPERS = new Set(["_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"]);
/** What DDP and DeepSpeed put before PEFT's prefix, and a second prefix where a PEFT model was wrapped twice. */
const BEFORE = new RegExp(`^(?:module\\.)*(?:${PEFT_PREFIX.replaceAll(".", "\\.")})+`);
/** The adapter's name inside a key, which PEFT leaves out when it saves. */
const ADAPTER =
  /(\.(?:lora_[AB]|lora_magnitude_vector))\.([^.]+)(?=\.(?:weight|bias)$)|(\.(?:lora_embedding_[AB]|lora_magnitude_vector|trainable_tokens_delta))\.((?!weight$)[^.]+)$/;

/** The name of the adapter in a key; null where it holds none, as PEFT saves it. */
export function adapterInKey(key: string): string | null {
  const match = ADAPTER.exec(key);
  return match === null ? null : (match[2] ?? match[4])!;
}

/** A key as PEFT saves it, without the adapter's name and what wrappers of the model added. */
export function withoutWrappers(key: string): string {
  const plain = key
    .split(".")
    .filter((segment) => !WRAPPERS.has(segment))
    .join(".");
  return plain.replace(BEFORE, PEFT_PREFIX).replace(ADAPTER, "$1$3");
}
