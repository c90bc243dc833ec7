import type { Dtype } from "../../core/dtype.ts";
import { forKind, type ModuleKind } from "../../core/module-kind.ts";
import { layoutSafetensors, type SafetensorsLayout, type TensorSpec } from "../safetensors/layout.ts";
import { PEFT_PREFIX } from "./keys.ts";
import { isPart, keyedPaths, type ParameterPart, placeOfPart } from "./parameters.ts";

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
  /** The parameter that it is a part of; absent where it is a layer. */
  readonly parameter?: ParameterPart;
}

/** Two tensors, and the modules whose factors they hold: a layer, or experts of one parameter. */
export interface StoredFactors<M extends StoredModule> {
  readonly modules: readonly M[];
  readonly a: Omit<TensorSpec, "dtype">;
  readonly b: Omit<TensorSpec, "dtype">;
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

/**
 * The tensors of modules, in the order of their first. A parameter of E experts has A (E rank, in), expert after expert, and
 * B (out, rank E), where column j E + e is unit j of expert e; its modules have one rank. Stacked ones have A (E, rank, in) and
 * B (E, out, rank). Experts that are missing are zero.
 *
 * @throws RefusedError as `keyedPaths`
 */
export function storedFactors<M extends StoredModule>(modules: readonly M[]): StoredFactors<M>[] {
  const groups = new Map<string, M[]>();
  for (const module of modules) {
    const path = isPart(module) ? placeOfPart(module).path : module.name;
    const others = groups.get(path);
    if (others === undefined) groups.set(path, [module]);
    else others.push(module);
  }
  const keyed = keyedPaths(modules.filter(isPart).filter(({ parameter }) => parameter.stacked !== true));
  return Array.from(groups, ([path, own]) => {
    const [{ kind, out, inputShape, rank, parameter }] = own as [M, ...M[]];
    const experts = parameter?.experts ?? 1;
    const { a, b } =
      parameter?.stacked === true
        ? { a: [experts, rank, ...inputShape], b: [experts, out, rank] }
        : factorShapes({ kind, out, inputShape, rank: rank * experts });
    const name = keyed.get(path) ?? path;
    return {
      modules: own,
      a: { name: peftKey({ name, kind }, "A"), shape: a },
      b: { name: peftKey({ name, kind }, "B"), shape: b },
    };
  });
}

/** The weights' file: factors in one element type, and the tensors besides them. */
export function layoutWeights(
  modules: readonly StoredModule[],
  dtype: Dtype,
  beside: readonly TensorSpec[] = [],
): SafetensorsLayout {
  const factors = storedFactors(modules).flatMap(({ a, b }) => [a, b]);
  return layoutSafetensors([...beside, ...factors.map((tensor) => ({ ...tensor, dtype }))], WEIGHTS_METADATA);
}
