import type { Dtype } from "../../core/dtype.ts";
import { forKind, type ModuleKind } from "../../core/module-kind.ts";
import { layoutSafetensors, type SafetensorsLayout, type TensorSpec } from "../safetensors/layout.ts";
import { PEFT_PREFIX } from "./keys.ts";

/** A module, with its factors as stored. */
export interface StoredModule {
  /** Dotted path in the base model, without the prefix. */
  readonly name: string;
  readonly kind: ModuleKind;
  readonly rank: number;
  /** Rows of B. */
  readonly out: number;
  /** The shape of A after its rank: [in], for conv [channels, ...kernel]. */
  readonly inputShape: readonly number[];
}

/** __metadata__ of the weights. */
export const WEIGHTS_METADATA: Readonly<Record<string, string>> = { format: "pt" };

/** The key of a factor. */
export function peftKey({ name, kind }: Pick<StoredModule, "name" | "kind">, factor: "A" | "B"): string {
  const stem = `${PEFT_PREFIX}${name}.lora_`;
  const plain = `${stem}${factor}.weight`;
  return forKind(kind, { linear: plain, embedding: `${stem}embedding_${factor}`, conv: plain });
}

/**
 * The shapes of A and B, which kohya and diffusers store alike: (r, in) and (out, r); for convolutions (r, channels, ...kernel) and
 * (out, r, 1...).
 */
export function factorShapes({ kind, rank, out, inputShape }: Omit<StoredModule, "name">): {
  readonly a: number[];
  readonly b: number[];
} {
  const flat = { a: [rank, ...inputShape], b: [out, rank] };
  return forKind(kind, {
    linear: flat,
    embedding: flat,
    conv: { a: flat.a, b: [...flat.b, ...inputShape.slice(1).fill(1)] },
  });
}

/** A module's two tensors, A first. */
export function factorSpecs(
  module: StoredModule,
  dtypes: { readonly a: Dtype; readonly b: Dtype },
): [TensorSpec, TensorSpec] {
  const { a, b } = factorShapes(module);
  return [
    { name: peftKey(module, "A"), dtype: dtypes.a, shape: a },
    { name: peftKey(module, "B"), dtype: dtypes.b, shape: b },
  ];
}

/** The weights' file: the factors of these modules in one element type, and the tensors besides them. */
export function layoutWeights(
  modules: Iterable<StoredModule>,
  dtype: Dtype,
  beside: readonly TensorSpec[] = [],
): SafetensorsLayout {
  const factors = Array.from(modules, (module) => factorSpecs(module, { a: dtype, b: dtype })).flat();
  return layoutSafetensors([...beside, ...factors], WEIGHTS_METADATA);
}
