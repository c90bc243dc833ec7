import { RefusedError } from "../../core/errors.ts";
import type { ParameterPart } from "../../formats/peft-folder/parameters.ts";
import type { Adapter, AdapterModule } from "../adapter.ts";
import { expertOf, PROJECTIONS } from "../experts.ts";
import { stackedRows } from "./whole.ts";

const GATE_UP = "gate_up_proj";
const MIXTRAL = "block_sparse_moe";
/**
 * Gate and up are rows of one weight, gate first, in all models of transformers 5 but gpt-oss, which has them in turn. The base's name shows
 * it, or modules that others lack.
 */
const GPT_OSS = /gpt[-_]?oss/i;
const OF_GPT_OSS = /\.mlp\.(router|experts\.\w+_bias)$/;

/**
 * Bring the experts of adapters to one form: where any adapter that counts has gate and up as one weight (a parameter of all experts), those
 * of others are stacked. No delta changes; the rank of gate and up adds up.
 *
 * @param counts whether each adapter decides; the others only follow
 * @throws RefusedError for gpt-oss, whose gate and up lie in turn, and for experts that the others lack
 */
export function underOneStack(adapters: readonly Adapter[], counts: readonly boolean[]): readonly Adapter[] {
  const whole = adapters.flatMap(({ modules }, t) => (counts[t] ? [...modules.values()] : [])).find(isWhole);
  if (whole === undefined) return adapters;
  // Some models keep this name, Mixtral has another since transformers 5.
  const keeps = whole.name.includes(`.${MIXTRAL}.`);
  const named = (path: string): string => (keeps ? path : path.replace(new RegExp(`\\.${MIXTRAL}(?=\\.|$)`), ".mlp"));
  return adapters.map((adapter) => stackedExperts(adapter, adapters, whole.parameter, named));
}

function isWhole(module: AdapterModule): module is AdapterModule & { readonly parameter: ParameterPart } {
  return module.parameter !== undefined && expertOf(module.name)?.projection === GATE_UP;
}

function stackedExperts(
  adapter: Adapter,
  all: readonly Adapter[],
  { experts }: ParameterPart,
  named: (path: string) => string,
): Adapter {
  const found = [...adapter.modules.values()];
  const single = found.filter((module) => module.parameter === undefined && roleOf(module.name) !== null);
  const [first] = single;
  if (first === undefined) return adapter;
  const other = all.find(({ modules }) => [...modules.values()].some(isWhole))!;
  if (all.some(isGptOss)) {
    throw new RefusedError(
      `${adapter.name} has gate and up of experts apart (such as ${first.name}) and ${other.name} has them as one weight, whose rows are gate and up in turn in gpt-oss models; merge adapters of one form.`,
    );
  }
  const modules = new Map<string, AdapterModule>();
  const stacks = new Map<string, Map<string, AdapterModule>>();
  for (const module of found) {
    const role = module.parameter === undefined ? roleOf(module.name) : null;
    if (role === null) {
      const name = named(module.name);
      modules.set(name, { ...module, name });
      continue;
    }
    if (role.expert >= experts) {
      throw new RefusedError(
        `${adapter.name} has ${module.name}, but ${other.name} has ${experts} experts, so their bases differ; merge adapters of one base model.`,
      );
    }
    const parameter = { name: role.part === "down" ? "down_proj" : GATE_UP, experts };
    const name = `${named(role.layer)}.experts.${role.expert}.${parameter.name}`;
    if (role.part === "down") {
      modules.set(name, { ...module, name, parameter });
      continue;
    }
    const parts = stacks.get(name) ?? new Map<string, AdapterModule>();
    stacks.set(name, parts.set(role.part, module));
    modules.set(name, { ...module, name, parameter });
  }
  for (const [name, parts] of stacks) {
    const { parameter } = modules.get(name)!;
    const stacked = stackedRows(adapter.name, name, ["gate", "up"], parts, { gate: 1, up: 1 });
    modules.set(name, { ...stacked, parameter: parameter! });
  }
  // The names that its config has are those of single experts.
  return { ...adapter, modules, targetModules: null };
}

function isGptOss({ baseModel, modules }: Adapter): boolean {
  return GPT_OSS.test(baseModel ?? "") || [...modules.keys()].some((name) => OF_GPT_OSS.test(name));
}

/** Which projection of which expert a module is. */
function roleOf(module: string) {
  const place = expertOf(module);
  for (const names of PROJECTIONS) {
    for (const part of ["gate", "up", "down"] as const) {
      if (place?.projection === names[part]) return { part, layer: place.layer, expert: place.expert };
    }
  }
  return null;
}
