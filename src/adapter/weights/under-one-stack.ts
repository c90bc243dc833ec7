import { RefusedError } from "../../core/errors.ts";
import type { Adapter, AdapterModule } from "../adapter.ts";
import { expertOf, GATE_UP } from "../experts.ts";
import { inParameters, placeOfSingle } from "./in-parameters.ts";

const MIXTRAL = "block_sparse_moe";
/** gpt-oss has the rows of gate and up in turn. Where nothing says so, the base's name shows it, or modules that others lack. */
const GPT_OSS = /gpt[-_]?oss/i;
const OF_GPT_OSS = /\.mlp\.(router|experts\.\w+_bias)$/;

/**
 * Bring the experts of adapters to one form: where any adapter that counts has gate and up as one weight (a parameter of all experts), those
 * of others are stacked. No delta changes; the rank of gate and up adds up.
 *
 * @param counts whether each adapter decides; the others only follow
 * @throws RefusedError for experts that the others lack, and for adapters of bases that order the rows of gate and up differently
 */
export function underOneStack(adapters: readonly Adapter[], counts: readonly boolean[]): readonly Adapter[] {
  const whole = adapters.flatMap(({ modules }, t) => (counts[t] ? [...modules.values()] : [])).find(isWhole);
  if (whole === undefined) return adapters;
  // Some models keep this name, Mixtral has another since transformers 5.
  const keeps = whole.name.includes(`.${MIXTRAL}.`);
  const named = (path: string): string => (keeps ? path : path.replace(new RegExp(`\\.${MIXTRAL}(?=\\.|$)`), ".mlp"));
  const { experts } = whole.parameter!;
  const inTurn = areAllInTurn(adapters, counts);
  return adapters.map((adapter) => {
    const { name, modules } = adapter;
    const single = [...modules.values()].filter((module) => placeOfSingle(module) !== null);
    if (single.length === 0) return adapter;
    const beyond = single.find((module) => placeOfSingle(module)!.expert >= experts);
    if (beyond === undefined) {
      // The names that its config has are those of single experts.
      return { ...adapter, modules: inParameters(name, modules.values(), experts, inTurn, named), targetModules: null };
    }
    const other = adapters.find((one) => [...one.modules.values()].some(isWhole))!;
    throw new RefusedError(
      `${name} has ${beyond.name}, but ${other.name} has ${experts} experts, so their bases differ; merge adapters of one base model.`,
    );
  });
}

function isWhole(module: AdapterModule): boolean {
  return module.parameter !== undefined && expertOf(module.name)?.projection === GATE_UP;
}

function isGptOss({ baseModel, modules }: Adapter): boolean {
  return GPT_OSS.test(baseModel ?? "") || [...modules.keys()].some((name) => OF_GPT_OSS.test(name));
}

/**
 * Whether the base has the rows of gate and up in turn; gate's are first where no adapter shows it.
 *
 * @throws RefusedError where two adapters that count differ
 */
function areAllInTurn(adapters: readonly Adapter[], counts: readonly boolean[]): boolean {
  const isInTurn = (adapter: Adapter): boolean => adapter.gateUpInTurn ?? isGptOss(adapter);
  const deciding = adapters.filter((_, t) => counts[t]);
  const inTurn = deciding.find(isInTurn);
  const gateFirst = deciding.find(({ gateUpInTurn }) => gateUpInTurn === false);
  if (inTurn === undefined) return gateFirst === undefined && adapters.some(isInTurn);
  if (gateFirst === undefined) return true;
  throw new RefusedError(
    `${inTurn.name} belongs to a model such as gpt-oss, whose experts have the rows of gate and up in turn, but ${gateFirst.name} to one that has gate's rows first; merge adapters of one base model, or pass its config.json as --base-config.`,
  );
}
