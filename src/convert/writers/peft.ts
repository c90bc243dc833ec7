import { peftKey } from "../../adapter/dialects/peft.ts";
import { stackedModules } from "../../adapter/experts.ts";
import { factorShapes } from "../../adapter/kinds.ts";
import { outputConfig, sharedFacts } from "../../merge/config.ts";
import {
  type Conversion,
  dtypeOf,
  inSafetensors,
  type Writer,
  type WrittenTensor,
  wholeFactor,
} from "../conversion.ts";

/** PEFT: each module at its own rank and scale, by patterns where they differ. */
export const peftWriter: Writer = {
  id: "peft",
  title: "PEFT",
  output: "folder",
  kinds: { linear: true, embedding: true, conv: true },
  factorsOnly: false,
  convert(adapter): Conversion {
    const modules = [...adapter.modules.values()];
    const factors = modules.flatMap((module): WrittenTensor[] => {
      const [a, b] = [wholeFactor(module, "a"), wholeFactor(module, "b")];
      const shapes = factorShapes(module);
      return [
        { name: peftKey(module, "A"), dtype: dtypeOf(a), shape: shapes.a, content: a },
        { name: peftKey(module, "B"), dtype: dtypeOf(b), shape: shapes.b, content: b },
      ];
    });
    const extras = Array.from(adapter.extras, ([key, tensor]): WrittenTensor => {
      return { name: key, dtype: tensor.dtype, shape: tensor.shape, content: { kind: "copy", tensor } };
    });
    const ranked = modules.map(({ name, rank, scale }) => ({ name, rank, alpha: scale * rank }));
    // PEFT gives stacked experts the config's own rank and alpha, whatever the patterns say.
    const stacked = stackedModules(adapter.modules.keys());
    const experts = ranked.find(({ name }) => stacked.has(name));
    const { facts } = sharedFacts([adapter]);
    const keys = extras.map(({ name }) => ({ key: name }));
    return {
      weightsFile: "adapter_model.safetensors",
      ...inSafetensors([...factors, ...extras], { format: "pt" }),
      config: {
        file: "adapter_config.json",
        fields: outputConfig([adapter], facts, ranked, [], keys, experts ?? commonest(ranked)),
      },
    };
  },
};

/** The rank and alpha that most modules have, so that few need patterns; the first where several do. */
function commonest<M extends { readonly rank: number; readonly alpha: number }>(modules: readonly M[]): M {
  const counts = new Map<string, number>();
  const key = ({ rank, alpha }: M): string => `${rank} ${alpha}`;
  for (const module of modules) counts.set(key(module), (counts.get(key(module)) ?? 0) + 1);
  return modules.reduce((best, module) => (counts.get(key(module))! > counts.get(key(best))! ? module : best));
}
