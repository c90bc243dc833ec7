import { unetKernel } from "../../families/unet.ts";
import type { AdapterModule, ReadAdapter } from "../read-adapter.ts";

const UNET = /^unet\./;

/**
 * LoKr and LoHa of convolutions may be stored as matrices, whose columns are channels and kernel together. Give those of a UNet the kernel
 * that their names tell.
 *
 * @param modules under their names here
 */
export function withKernels(modules: ReadonlyMap<string, AdapterModule>): Map<string, AdapterModule> {
  const text = [...modules.values()].find(({ name }) => UNET.test(name) && name.endsWith(".attn2.to_k"));
  return new Map(
    Array.from(modules, ([name, module]) => {
      const kernel = UNET.test(name) ? unetKernel(name.replace(UNET, ""), text?.in ?? null) : null;
      return [name, kernel === null ? module : (withKernel(module, kernel) ?? module)];
    }),
  );
}

/**
 * Give flat convolutions the kernels that other adapters have for the same weights.
 *
 * @param counts whether each adapter decides; the others only follow
 */
export function underOneKernel<A extends Pick<ReadAdapter, "modules">>(
  adapters: readonly A[],
  counts: readonly boolean[],
): readonly A[] {
  const kernels = new Map<string, readonly number[]>();
  for (const [t, { modules }] of adapters.entries()) {
    for (const { name, kind, inputShape } of counts[t] ? modules.values() : []) {
      if (kind === "conv") kernels.set(name, inputShape.slice(1));
    }
  }
  return adapters.map((adapter) => {
    const found = [...adapter.modules.values()].flatMap((module) => {
      const kernel = kernels.get(module.name);
      return (kernel === undefined ? null : withKernel(module, kernel)) ?? [];
    });
    if (found.length === 0) return adapter;
    return { ...adapter, modules: new Map([...adapter.modules, ...found.map((own) => [own.name, own] as const)]) };
  });
}

/** A module whose computed columns are channels and this kernel; null where they cannot be, or its tensors show a kernel. */
function withKernel(module: AdapterModule, kernel: readonly number[]): AdapterModule | null {
  const channels = module.in / kernel.reduce((product, size) => product * size, 1);
  if (!("matrix" in module.a) || module.kind !== "linear" || !Number.isInteger(channels)) return null;
  return { ...module, kind: "conv", inputShape: [channels, ...kernel] };
}
