import type { AdapterModule } from "../../adapter/adapter.ts";
import { denseFactor } from "../../adapter/dense-factor.ts";
import { evenExperts, SINGLE_EXPERTS, storedTogether } from "../../adapter/experts.ts";
import { refuseGgufNames } from "../../adapter/names/gguf.ts";
import { commonDtype, type Dtype } from "../../core/dtype.ts";
import {
  type StoredFactors,
  type StoredModule,
  storedFactors,
  WEIGHTS_METADATA,
} from "../../formats/peft-folder/factors.ts";
import { CONFIG_FILE, WEIGHTS_FILE } from "../../formats/peft-folder/files.ts";
import { tokensKey } from "../../formats/peft-folder/inner-keys.ts";
import { biasKey, PEFT_PREFIX } from "../../formats/peft-folder/keys.ts";
import { isPart, placeOfPart } from "../../formats/peft-folder/parameters.ts";
import { peftConfig } from "../../formats/peft-folder/write-config.ts";
import {
  type Conversion,
  copiedTensor,
  dtypeOf,
  type FactorContent,
  type FormatWriter,
  inSafetensors,
  type WrittenTensor,
  wholeFactor,
} from "../conversion.ts";

/**
 * PEFT: each module at its own rank and scale, by patterns where they differ. Experts get the config's rank and scale, because PEFT
 * stacks them under transformers 5 and then ignores patterns. Smaller ones get zero units; where scales differ, they are folded into B. So it is
 * for the experts of a parameter (target_parameters), which are one pair of tensors.
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
    const extras = [
      ...Array.from(adapter.extras, ([key, tensor]) => copiedTensor(key, tensor)),
      ...forms.flatMap(writtenBias),
      ...Array.from(adapter.tokenRows, ([embedding, { tensor }]) => copiedTensor(tokensKey(embedding), tensor)),
    ];
    const fields = peftConfig({
      baseModel,
      taskType,
      fanInFanOut,
      modules: forms,
      common,
      extras: extras.map(({ name }) => name),
      tokenIndices: new Map(Array.from(adapter.tokenRows, ([embedding, { indices }]) => [embedding, indices])),
      invocationTokens: adapter.invocationTokens,
      tiesWeights: adapter.tiesWeights,
      sources: [adapter],
      left: [],
    });
    return {
      weightsFile: WEIGHTS_FILE,
      ...inSafetensors([...storedFactors(forms).flatMap(written), ...extras], WEIGHTS_METADATA),
      config: { file: CONFIG_FILE, fields },
    };
  },
};

/** How a module is written. */
interface Form extends StoredModule {
  readonly module: AdapterModule;
  readonly alpha: number;
  /** B is multiplied by this: the part of the scale that alpha / rank does not cover. */
  readonly times: number;
}

/** The form of each module, and the rank and alpha of the config. */
function formsOf(modules: readonly AdapterModule[]): { readonly forms: readonly Form[]; readonly common: Form } {
  const groupOf = storedTogether(modules);
  const scales = new Map<string | null, Set<number>>([[null, new Set()]]);
  for (const module of modules) {
    const group = groupOf(module);
    if (group !== null) scales.set(group, (scales.get(group) ?? new Set()).add(module.scale));
  }
  const forms = evenExperts(modules).modules.map((even, i): Form => {
    const { rank, scale } = even;
    const times = scales.get(groupOf(even))!.size > 1 ? scale : 1;
    return { ...even, module: modules[i]!, alpha: times === 1 ? scale * rank : rank, times };
  });
  return { forms, common: forms.find((form) => groupOf(form) === SINGLE_EXPERTS) ?? commonest(forms) };
}

function written({ modules, a, b }: StoredFactors<Form>): WrittenTensor[] {
  const [form] = modules as [Form];
  if (form.parameter === undefined || form.parameter.experts === 1) {
    const [contentA, contentB] = [contentOf(form, "a"), contentOf(form, "b")];
    return [
      { ...a, dtype: dtypeOf(contentA), content: contentA },
      { ...b, dtype: dtypeOf(contentB), content: contentB },
    ];
  }
  const experts = Array<Form | null>(form.parameter.experts).fill(null);
  for (const one of modules.filter(isPart)) experts[placeOfPart(one).expert] = one;
  const parts = (half: "a" | "b"): (FactorContent | null)[] =>
    experts.map((one) => (one === null ? null : contentOf(one, half)));
  const [partsA, partsB] = [parts("a"), parts("b")];
  return [
    { ...a, dtype: commonOf(partsA), content: { kind: "stack", parts: partsA } },
    { ...b, dtype: commonOf(partsB), content: { kind: "interleave", parts: partsB } },
  ];
}

/** A module's bias of B, which the scale multiplies as it does B. */
function writtenBias({ name, module: { bias }, times }: Form): WrittenTensor[] {
  if (bias === undefined) return [];
  const content: FactorContent = {
    kind: "factor",
    factor: denseFactor(bias, "rows", 1),
    times,
    units: "rows",
    writtenRank: 1,
    entries: null,
  };
  return [{ name: PEFT_PREFIX + biasKey(name), dtype: dtypeOf(content), shape: bias.shape, content }];
}

function contentOf({ module, rank, times }: Form, half: "a" | "b"): FactorContent {
  return { ...wholeFactor(module, half, half === "a" ? 1 : times), writtenRank: rank };
}

/** The element type of parts of one tensor: theirs, if they agree. */
function commonOf(parts: readonly (FactorContent | null)[]): Dtype {
  const [only, ...others] = new Set(parts.filter((part) => part !== null).map(dtypeOf));
  return others.length === 0 ? only! : commonDtype([only!, ...others]);
}

/** The rank and alpha that most modules have, so that few need patterns; the first where several do. */
function commonest<M extends { readonly rank: number; readonly alpha: number }>(modules: readonly M[]): M {
  const counts = new Map<string, number>();
  const key = ({ rank, alpha }: M): string => `${rank} ${alpha}`;
  for (const module of modules) counts.set(key(module), (counts.get(key(module)) ?? 0) + 1);
  return modules.reduce((best, module) => (counts.get(key(module))! > counts.get(key(best))! ? module : best));
}
