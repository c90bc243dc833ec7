import type { DialectId } from "./adapter.ts";
import type { AdapterContents, Dialect } from "./dialect.ts";
import { diffusers } from "./dialects/diffusers.ts";
import { foreign } from "./dialects/foreign.ts";
import { gguf } from "./dialects/gguf.ts";
import { kohya } from "./dialects/kohya.ts";
import { loraDiffusion } from "./dialects/lora-diffusion.ts";
import { mlx } from "./dialects/mlx.ts";
import { peft } from "./dialects/peft.ts";
import { sam } from "./dialects/sam.ts";

/** Every dialect that is read, tried in order: non-LoRA first, PEFT last, which takes the rest and says what is wrong with it. */
const DIALECTS: readonly Dialect[] = [foreign, kohya, diffusers, gguf, mlx, loraDiffusion, sam, peft];

/** The dialect of an adapter, recognised by its tensor names alone. */
export function dialectOf({ tensors }: AdapterContents): Dialect {
  const keys = [...tensors.keys()];
  return DIALECTS.find((dialect) => keys.some((key) => dialect.recognises(key))) ?? peft;
}

/** What tables call a dialect. */
export function dialectTitle(id: DialectId): string {
  return DIALECTS.find((dialect) => dialect.id === id)!.title;
}
