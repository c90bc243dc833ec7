import { RefusedError } from "../../core/errors.ts";
import type { Dialect } from "../dialect.ts";
import { doraVariants } from "../dora.ts";
import { type FactorKey, pairFactors } from "../factor-pairs.ts";
import { moduleOfFactors, type StridedModule } from "../module-of-factors.ts";
import { namedModules } from "../named-modules.ts";
import { addBeside, plainAdapter, scalesOfAlphas, silencedModules } from "../plain-adapter.ts";
import type { TensorRef } from "../read-adapter.ts";
import { isSideTensor } from "../side-tensors.ts";
import type { Variant } from "../variants.ts";

const FACTOR = /^(.+?)[._]lora_(down|up)\.weight$/;
const BESIDE = /^(.+?)(?:[._]lora)?(?:\.(alpha|dora_scale)|[._](lora_mid)\.weight)$/;

/**
 * The dialect of kohya's sd-scripts: <prefix>_<module path with underscores>.lora_down.weight (r, in), .lora_up.weight (out, r) and
 * .alpha, scale alpha / r; a missing alpha means r.
 */
export const kohya: Dialect = {
  title: "kohya / sd-scripts",
  recognises: (key) => FACTOR.test(key),
  async read({ name, files, tensors, metadata }) {
    const { pairs, others } = pairFactors(name, tensors.values(), factorKey, { a: "lora_down", b: "lora_up" });
    const { alphas, scales, middles, extras } = sortOthers(name, others);
    const paths = pairs.map(({ path }) => path);
    const scaleOf = await scalesOfAlphas(name, files, alphas, paths);
    const inThree = new Map<string, TensorRef>();
    const found: StridedModule[] = [];
    for (const { path, a, b } of pairs) {
      const middle = middles.get(path);
      if (middle === undefined) found.push(moduleOfFactors(name, path, "linear", a, b));
      else for (const tensor of [a, middle, b]) inThree.set(tensor.name, tensor);
    }
    const { families, modules, nameOfRows } = await namedModules(
      { name, files, metadata },
      found.map((module) => ({ ...module, scale: scaleOf(module.name, module.rank) })),
    );
    const magnitudes = new Map(Array.from(scales, ([path, tensor]) => [nameOfRows(path), tensor]));
    const variants = [...doraVariants(modules, magnitudes, null), ...threeFactors(middles)];
    const baseModel = metadata.get("ss_base_model_version") ?? metadata.get("ss_sd_model_name") ?? null;
    const beside = { extras, magnitudes, others: inThree, metadata, alphas: { own: alphas.size, inMetadata: 0 } };
    const notices = silencedModules(name, modules);
    return plainAdapter({ name, files, notices, families, modules, baseModel, variants, ...beside });
  },
};

function factorKey(key: string): FactorKey | null {
  const match = FACTOR.exec(key);
  return match === null ? null : { path: match[1]!, half: match[2] === "down" ? "a" : "b" };
}

/** The tensors besides the two factors, by module. Refuses any others, which would be lost. */
function sortOthers(name: string, others: readonly TensorRef[]) {
  const none = (): Map<string, TensorRef> => new Map();
  const found = { alpha: none(), dora_scale: none(), lora_mid: none() };
  const extras = none();
  for (const tensor of others) {
    if (isSideTensor(tensor.name)) {
      extras.set(tensor.name, tensor);
      continue;
    }
    const [, path, short, long] = BESIDE.exec(tensor.name) ?? [];
    if (path === undefined) {
      throw new RefusedError(
        `${name}: the tensor ${tensor.name} is not part of a plain LoRA adapter; merge adapters that hold lora_down, lora_up and alpha only.`,
      );
    }
    addBeside(name, found[(short ?? long) as keyof typeof found], path, tensor);
  }
  return { alphas: found.alpha, scales: found.dora_scale, middles: found.lora_mid, extras };
}

function threeFactors(middles: ReadonlyMap<string, TensorRef>): Variant[] {
  const [first] = middles.values();
  if (first === undefined) return [];
  const text = `splits its convolutions into three factors (tensor ${first.name}), which B A cannot carry; train it without the CP decomposition (use_cp / use_tucker).`;
  return [{ id: "other_method", text }];
}
