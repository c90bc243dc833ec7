import type { AdapterContents, Dialect } from "./dialect.ts";
import { diffusers } from "./dialects/diffusers.ts";
import { foreign, isWholeDifferences } from "./dialects/foreign.ts";
import { gguf } from "./dialects/gguf.ts";
import { kohya } from "./dialects/kohya.ts";
import { loraDiffusion } from "./dialects/lora-diffusion.ts";
import { mlx } from "./dialects/mlx.ts";
import { peft } from "./dialects/peft.ts";
import { sam } from "./dialects/sam.ts";

/** The ways of naming and laying out an adapter's tensors. */
export type DialectId = "foreign" | "kohya" | "diffusers" | "gguf" | "mlx" | "lora_diffusion" | "sam" | "peft";

/** Every dialect that is read, tried in order: non-LoRA first, PEFT last, which takes the rest and says what is wrong with it. */
const DIALECTS: Readonly<Record<DialectId, Dialect>> = {
  foreign,
  kohya,
  diffusers,
  gguf,
  mlx,
  lora_diffusion: loraDiffusion,
  sam,
  peft,
};

/** The dialect of an adapter, recognised by its tensor names alone. */
export function dialectOf({ tensors }: AdapterContents): DialectId {
  const keys = [...tensors.keys()];
  const ids = Object.keys(DIALECTS) as DialectId[];
  const found = ids.find((id) => keys.some((key) => DIALECTS[id].recognises(key)));
  return found ?? (isWholeDifferences(keys) ? "foreign" : "peft");
}

/** A dialect by its id. */
export function dialectById(id: DialectId): Dialect {
  return DIALECTS[id];
}
