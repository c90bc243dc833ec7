import type { ByteSource } from "../../core/bytes.ts";
import type { Family } from "../../families/family.ts";
import type { AdapterModule, FactorRef, StridedFactor } from "../read-adapter.ts";
import { sameTensor } from "../tensor-values.ts";
import { placeOf, wholeName } from "./whole.ts";

/**
 * Let the parts of a weight share one A where the file repeats it, as conversions of fused layers write it, so that stacking them
 * (`stackParts`) adds no rank. Only first bytes are read of those that differ.
 */
export async function shareFactors(
  files: readonly ByteSource[],
  modules: ReadonlyMap<string, AdapterModule>,
  family: Family,
): Promise<Map<string, AdapterModule>> {
  const shared = new Map(modules);
  const seen = new Map<string, StridedFactor[]>();
  for (const module of modules.values()) {
    const place = placeOf(family, module.name);
    if (place === null || !isStrided(module.a)) continue;
    const whole = wholeName(place);
    const earlier = seen.get(whole) ?? [];
    seen.set(whole, earlier);
    const twin = await twinOf(files, module.a, earlier);
    if (twin === null) earlier.push(module.a);
    else shared.set(module.name, { ...module, a: twin });
  }
  return shared;
}

const isStrided = (factor: FactorRef): factor is StridedFactor => "strides" in factor;

async function twinOf(
  files: readonly ByteSource[],
  tensor: StridedFactor,
  others: readonly StridedFactor[],
): Promise<StridedFactor | null> {
  for (const other of others) {
    if (await sameTensor({ files, tensor }, { files, tensor: other })) return other;
  }
  return null;
}
