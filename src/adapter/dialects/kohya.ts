import { FormatError, RefusedError } from "../../core/errors.ts";
import { hasPeftPrefix } from "../../formats/peft-folder/keys.ts";
import type { Dialect } from "../dialect.ts";
import { doraVariants } from "../dora.ts";
import { type FactorKey, type FactorPair, pairFactors } from "../factor-pairs.ts";
import { exactRankNotices } from "../lycoris/exact-rank.ts";
import { withKernels } from "../lycoris/kernels.ts";
import { moduleOfLocon } from "../lycoris/locon.ts";
import { isLycorisKey, lycorisModules } from "../lycoris/lycoris-modules.ts";
import { moduleOfFactors } from "../module-of-factors.ts";
import { namedModules } from "../named-modules.ts";
import { componentOf, isKohyaName } from "../names/components.ts";
import { addBeside, plainAdapter, scalesOfAlphas, silencedModules } from "../plain-adapter.ts";
import type { TensorRef } from "../read-adapter.ts";
import { refuseConfig } from "../refuse-config.ts";
import { isSideTensor } from "../side-tensors.ts";

const FACTOR = /^(.+?)[._]lora_(down|up)\.weight$/;
const BESIDE = /^(.+?)(?:[._]lora)?(?:\.(alpha|dora_scale)|[._](lora_mid)\.weight)$/;

/**
 * The dialect of kohya's sd-scripts: <prefix>_<module path with underscores>.lora_down.weight (r, in), .lora_up.weight (out, r) and
 * .alpha, scale alpha / r; a missing alpha means r.
 */
export const kohya: Dialect = {
  title: "kohya / sd-scripts",
  recognises: (key) => FACTOR.test(key) || (isLycorisKey(key) && !hasPeftPrefix(key)),
  async read({ name, files, tensors, metadata, config }) {
    const lycoris = lycorisModules(name, tensors.values());
    refuseConfig({ name, config }, lycoris.modules.map((module) => module.name).find(isBare));
    const { pairs, others } = pairFactors(name, lycoris.others, factorKey, { a: "lora_down", b: "lora_up" });
    const { alphas, scales, middles, extras } = sortOthers(name, others);
    const found = [...pairs.map((pair) => moduleOfPair(name, pair, middles)), ...lycoris.modules];
    refuseLone(name, pairs, middles);
    const scaleOf = await scalesOfAlphas(
      name,
      files,
      alphas,
      found.map((module) => module.name),
    );
    const {
      families,
      modules: named,
      nameOfRows,
    } = await namedModules(
      { name, files, metadata },
      found.map(({ dim, ...module }) => ({ ...module, scale: scaleOf(module.name, dim) })),
    );
    const modules = withKernels(named);
    const magnitudes = new Map(Array.from(scales, ([path, tensor]) => [nameOfRows(path), tensor]));
    const variants = doraVariants(modules, magnitudes, null);
    const baseModel = metadata.get("ss_base_model_version") ?? metadata.get("ss_sd_model_name") ?? null;
    const beside = { extras, magnitudes, metadata, alphas: { own: alphas.size, inMetadata: 0 } };
    const notices = [...silencedModules(name, modules), ...exactRankNotices(name, lycoris.modules)];
    return plainAdapter({ name, files, notices, families, modules, baseModel, variants, ...beside });
  },
};

/** Whether a name may be one that PEFT gives: it is neither kohya's, nor does it begin with a component of an image model. */
const isBare = (path: string): boolean => !isKohyaName(path) && componentOf(path) === null;

/** A module of two factors, or of three with the middle one. */
function moduleOfPair(name: string, { path, a, b }: FactorPair, middles: ReadonlyMap<string, TensorRef>) {
  const mid = middles.get(path);
  if (mid !== undefined) return moduleOfLocon(name, path, { down: a, mid, up: b });
  const module = moduleOfFactors(name, path, "linear", a, b);
  return { ...module, dim: module.rank };
}

/** Refuse a middle factor without the other two. */
function refuseLone(name: string, pairs: readonly FactorPair[], middles: ReadonlyMap<string, TensorRef>): void {
  const paths = new Set(pairs.map(({ path }) => path));
  for (const [path, { name: key }] of middles) {
    if (paths.has(path)) continue;
    throw new FormatError(
      `${name}: ${key} is the middle of three factors, but the file holds no lora_down and lora_up for it; save or copy it again.`,
    );
  }
}

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
