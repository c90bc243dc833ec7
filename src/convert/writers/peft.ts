import type { AdapterModule } from "../../adapter/adapter.ts";
import { evenExperts, stackedModules } from "../../adapter/experts.ts";
import { refuseGgufNames } from "../../adapter/names/gguf.ts";
import { factorSpecs, WEIGHTS_METADATA } from "../../formats/peft-folder/factors.ts";
import { CONFIG_FILE, WEIGHTS_FILE } from "../../formats/peft-folder/files.ts";
import { peftConfig } from "../../formats/peft-folder/write-config.ts";
import {
  type Conversion,
  copiedTensor,
  dtypeOf,
  type FormatWriter,
  inSafetensors,
  type WrittenTensor,
  wholeFactor,
} from "../conversion.ts";

/**
 * PEFT: each module at its own rank and scale, by patterns where they differ. Experts get the config's rank and scale, because PEFT
 * stacks them under transformers 5 and then ignores patterns. Smaller ones get zero units; where scales differ, they are folded into B.
 */
export const peftWriter: FormatWriter = {
  title: "PEFT",
  languageOnly: null,
  kinds: { linear: true, embedding: true, conv: true },
  extras: "all",
  convert(adapter): Conversion {
    refuseGgufNames(adapter.name, adapter.modules.keys());
    const { baseModel, taskType, fanInFanOut } = adapter;
    const { forms, common } = formsOf([...adapter.modules.values()]);
    const extras = Array.from(adapter.extras, ([key, tensor]) => copiedTensor(key, tensor));
    const fields = peftConfig({
      baseModel,
      taskType,
      fanInFanOut,
      modules: forms,
      common,
      extras: [...adapter.extras.keys()],
      sources: [adapter],
      left: [],
    });
    return {
      weightsFile: WEIGHTS_FILE,
      ...inSafetensors([...forms.flatMap(written), ...extras], WEIGHTS_METADATA),
      config: { file: CONFIG_FILE, fields },
    };
  },
};

/** How a module is written. */
interface Form {
  readonly name: string;
  readonly module: AdapterModule;
  readonly rank: number;
  readonly alpha: number;
  /** B is multiplied by this: the part of the scale that alpha / rank does not cover. */
  readonly times: number;
}

/** The form of each module, and the rank and alpha of the config. */
function formsOf(modules: readonly AdapterModule[]): { readonly forms: readonly Form[]; readonly common: Form } {
  const stacked = stackedModules(modules.map(({ name }) => name));
  const scales = new Set(modules.filter(({ name }) => stacked.has(name)).map(({ scale }) => scale));
  const forms = evenExperts(modules).modules.map(({ name, rank, scale }, i): Form => {
    const times = scales.size > 1 && stacked.has(name) ? scale : 1;
    return { name, module: modules[i]!, rank, alpha: times === 1 ? scale * rank : rank, times };
  });
  return { forms, common: forms.find(({ name }) => stacked.has(name)) ?? commonest(forms) };
}

function written({ module, rank, times }: Form): WrittenTensor[] {
  const a = { ...wholeFactor(module, "a"), writtenRank: rank };
  const b = { ...wholeFactor(module, "b", times), writtenRank: rank };
  const [specA, specB] = factorSpecs({ ...module, rank }, { a: dtypeOf(a), b: dtypeOf(b) });
  return [
    { ...specA, content: a },
    { ...specB, content: b },
  ];
}

/** The rank and alpha that most modules have, so that few need patterns; the first where several do. */
function commonest<M extends { readonly rank: number; readonly alpha: number }>(modules: readonly M[]): M {
  const counts = new Map<string, number>();
  const key = ({ rank, alpha }: M): string => `${rank} ${alpha}`;
  for (const module of modules) counts.set(key(module), (counts.get(key(module)) ?? 0) + 1);
  return modules.reduce((best, module) => (counts.get(key(module))! > counts.get(key(best))! ? module : best));
}
