import type { Adapter, AdapterModule } from "../../adapter/adapter.ts";
import { ofImageModel } from "../../adapter/names/components.ts";
import { plainMetadata } from "../../adapter/training-metadata.ts";
import { RefusedError } from "../../core/errors.ts";
import { factorShapes } from "../../formats/peft-folder/factors.ts";
import {
  type Conversion,
  copiedTensor,
  dtypeOf,
  type FormatWriter,
  type WrittenTensor,
  wholeFactor,
} from "../conversion.ts";
import { modulesInKohya } from "../kohya-modules.ts";
import { inHashedSafetensors } from "../tensor-hashes.ts";

/**
 * kohya's sd-scripts: one file, one alpha for all modules. Some readers use one alpha for many modules, so the file has the most
 * common alpha, and the rest of each scale is folded into lora_up. Differences of norms and biases keep their names.
 */
export const kohyaWriter: FormatWriter = {
  title: "kohya",
  languageOnly: null,
  kinds: { linear: true, embedding: false, conv: true },
  extras: "side-tensors",
  convert(adapter): Conversion {
    const stems = stemsOf(adapter);
    const modules = [...stems.values()];
    const alpha = commonestAlpha(modules);
    const tensors = Array.from(stems).flatMap(([stem, module]) => written(stem, module, alpha));
    const beside = Array.from(adapter.extras, ([key, tensor]) => copiedTensor(key, tensor));
    const metadata = metadataOf(adapter, modules, alpha);
    return {
      weightsFile: "adapter.safetensors",
      ...inHashedSafetensors([...tensors, ...beside], metadata),
      config: null,
    };
  },
};

/** The modules by the beginnings of their keys. Unknown families keep the dots in names that came from such a file. */
function stemsOf(adapter: Adapter): Map<string, AdapterModule> {
  const { name, format } = adapter;
  const others = ofImageModel(adapter.modules.keys()) ? "diffusers or peft" : "peft, mlx or gguf";
  const stems = new Map<string, AdapterModule>();
  for (const { stem: known, module } of modulesInKohya(adapter)) {
    const stem = known ?? (format === "kohya" ? module.name : null);
    if (stem === null) {
      throw new RefusedError(
        `${name}: ${module.name} has no certain name in kohya's keys, so any name would be a guess (docs/formats/families.md lists the models that lora-lego knows); convert it to ${others}.`,
      );
    }
    stems.set(stem, module);
  }
  return stems;
}

const alphaOf = ({ rank, scale }: AdapterModule): number => Math.fround(scale * rank);

/**
 * The most common alpha without its sign; of several, the first. Never 0, which some readers take for the rank, and never less:
 * diffusers does not finish when it splits a negative scale between two factors of Flux.
 */
function commonestAlpha(modules: readonly AdapterModule[]): number {
  const counts = new Map<number, number>();
  for (const alpha of modules.map((module) => Math.abs(alphaOf(module)))) {
    if (alpha !== 0) counts.set(alpha, (counts.get(alpha) ?? 0) + 1);
  }
  const [commonest] = [...counts].sort(([, one], [, other]) => other - one);
  return commonest?.[0] ?? modules[0]!.rank;
}

function written(stem: string, module: AdapterModule, alpha: number): WrittenTensor[] {
  const rest = alphaOf(module) === alpha ? 1 : (module.scale * module.rank) / alpha;
  const a = wholeFactor(module, "a");
  const b = wholeFactor(module, "b", rest);
  const shapes = factorShapes(module);
  return [
    { name: `${stem}.lora_down.weight`, dtype: dtypeOf(a), shape: shapes.a, content: a },
    { name: `${stem}.lora_up.weight`, dtype: dtypeOf(b), shape: shapes.b, content: b },
    {
      name: `${stem}.alpha`,
      dtype: "F32",
      shape: [],
      content: { kind: "bytes", bytes: new Uint8Array(Float32Array.of(alpha).buffer) },
    },
  ];
}

/** Metadata that describes the bytes and changes with them. */
const OF_THE_BYTES = /^(sshs_|modelspec\.hash|ss_network_(dim|alpha)$)/;

/** What the input's file says about its training, with the rank and alpha that are written. */
function metadataOf(adapter: Adapter, modules: readonly AdapterModule[], alpha: number): Record<string, string> {
  const folded = modules.some((module) => alphaOf(module) !== alpha);
  const kept = [...plainMetadata(adapter, adapter.families)].filter(
    // The arguments give separate alphas for convolutions.
    ([key]) => !OF_THE_BYTES.test(key) && !(folded && key === "ss_network_args"),
  );
  const ranks = new Set(modules.map(({ rank }) => rank));
  return {
    ...Object.fromEntries(kept),
    ss_network_alpha: String(alpha),
    ss_network_dim: ranks.size === 1 ? String(modules[0]!.rank) : "Dynamic",
  };
}
