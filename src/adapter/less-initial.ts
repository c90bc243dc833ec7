import { RefusedError } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import type { Adapter } from "./adapter.ts";
import type { AdapterModule, FactorRef, PlainFactor } from "./read-adapter.ts";
import { refuseVariants } from "./variants.ts";
import { composed, piecesAt } from "./weights/cut.ts";

/**
 * What an adapter learned since its initialisation, as a plain LoRA on the base that the initialisation changed (PiSSA, OLoRA, CorDA,
 * LoRA-GA): s (B A - B0 A0), at twice the rank. The same as PEFT's path_initial_model_for_weight_conversion (subtract_mutated_init).
 *
 * @param init the adapter as it was before training
 * @throws RefusedError where the two are not states of one adapter, or hold more than factors
 */
export function lessInitial(adapter: Adapter, init: Adapter): Adapter {
  for (const one of [adapter, init]) refuseVariants(one, ["changed_base"]);
  const lacking = [...adapter.modules.keys()].find((name) => !init.modules.has(name));
  const lone = [...init.modules.keys()].find((name) => !adapter.modules.has(name));
  if (lacking !== undefined || lone !== undefined) {
    const [one, other] = lacking === undefined ? [init, adapter] : [adapter, init];
    throw new RefusedError(
      `${one.name} adapts ${lacking ?? lone} and ${other.name} does not; pass the adapter that was saved before this training as --from-init.`,
    );
  }
  const before = adapter.files.length;
  const modules = Array.from(adapter.modules, ([name, module]) => {
    const initial = init.modules.get(name)!;
    refuseOther(adapter, init, module, initial);
    return [name, difference(init, module, initial, before)] as const;
  });
  return {
    ...adapter,
    files: [...adapter.files, ...init.files],
    modules: new Map(modules),
    variants: [],
  };
}

/** [A; A0] and [B, -B0]. */
function difference(init: Adapter, module: AdapterModule, initial: AdapterModule, files: number): AdapterModule {
  const rank = 2 * module.rank;
  const joined = (half: "a" | "b", times: number): FactorRef => {
    const older = shifted(init, initial[half], files);
    const pieces = [...piecesAt(module[half], 0, 0, 1), ...piecesAt(older, module.rank, 0, times)];
    return composed(rank, module[half].size, pieces);
  };
  return { ...module, rank, a: joined("a", 1), b: joined("b", -1) };
}

/** A factor whose files come after others. @throws RefusedError for one that is computed, as no initialisation leaves */
function shifted({ name }: Adapter, factor: FactorRef, files: number): FactorRef {
  if ("pieces" in factor) {
    const pieces = factor.pieces.map((piece) => ({ ...piece, factor: moved(name, piece.factor, files) }));
    return { ...factor, pieces };
  }
  return moved(name, factor, files);
}

function moved(name: string, factor: PlainFactor, files: number): PlainFactor {
  if (!("matrix" in factor)) return { ...factor, file: factor.file + files };
  throw new RefusedError(
    `${name} is no LoRA of plain factors (tensor ${factor.name}), so no training began from it; pass the adapter that was saved before this training as --from-init.`,
  );
}

function refuseOther(adapter: Adapter, init: Adapter, module: AdapterModule, initial: AdapterModule): void {
  const [own, other] = [module, initial].map(
    ({ kind, out, inputShape, rank, scale }) =>
      `a delta of ${formatShape([out, ...inputShape])} (${kind}), rank ${rank} and scale ${scale}`,
  );
  if (own === other) return;
  throw new RefusedError(
    `${module.name} has ${own} in ${adapter.name}, but ${other} in ${init.name}; pass the adapter that was saved before this training as --from-init.`,
  );
}
