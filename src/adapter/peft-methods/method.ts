import type { ByteSource } from "../../core/bytes.ts";
import type { JsonObject } from "../../formats/json.ts";
import type { BaseLayers } from "../base-layers.ts";
import type { ComputedModule } from "../lycoris/computed.ts";
import type { TensorRef } from "../read-adapter.ts";

/** A file of one of PEFT's methods. */
export interface MethodContents {
  /** Of the adapter, for messages. */
  readonly name: string;
  readonly tensors: Iterable<TensorRef>;
  readonly files: readonly ByteSource[];
  /** Its config. */
  readonly fields: JsonObject;
}

/** What such a file holds. */
export interface MethodModules {
  /** Under their names in the file. */
  readonly modules: readonly ComputedModule[];
  /** Tensors that are not the method's. */
  readonly others: readonly TensorRef[];
}

/** How the tensors of a method mean the modules of a LoRA. */
export interface PeftMethod {
  /** @param base the model that the adapter was trained on; only methods that need it are given one */
  modules(contents: MethodContents, base: BaseLayers | null): MethodModules | Promise<MethodModules>;
  /** The scale of a module from the two numbers of the config. */
  scale(rank: number, alpha: number, module: ComputedModule): number;
}
