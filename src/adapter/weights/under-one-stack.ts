import { RefusedError } from "../../core/errors.ts";
import type { Adapter, AdapterModule } from "../adapter.ts";
import { expertOf, roleOf } from "../experts.ts";
import { stackedRows } from "./whole.ts";

const GATE_UP = "gate_up_proj";
const MIXTRAL = "block_sparse_moe";
/** gpt-oss has the rows of gate and up in turn, where others have gate's first. The base's name shows it, or modules that others lack. */
const GPT_OSS = /gpt[-_]?oss/i;
const OF_GPT_OSS = /\.mlp\.(router|experts\.\w+_bias)$/;

/**
 * Bring the experts of adapters to one form: where any adapter that counts has gate and up as one weight (a parameter of all experts), those
 * of others are stacked. No delta changes; the rank of gate and up adds up.
 *
 * @param counts whether each adapter decides; the others only follow
 * @throws RefusedError for experts that the others lack
 */
export function underOneStack(adapters: readonly Adapter[], counts: readonly boolean[]): readonly Adapter[] {
  const whole = adapters.flatMap(({ modules }, t) => (counts[t] ? [...modules.values()] : [])).find(isWhole);
  if (whole === undefined) return adapters;
  // Some models keep this name, Mixtral has another since transformers 5.
  const keeps = whole.name.includes(`.${MIXTRAL}.`);
  const named = (path: string): string => (keeps ? path : path.replace(new RegExp(`\\.${MIXTRAL}(?=\\.|$)`), ".mlp"));
  const { experts } = whole.parameter!;
  const inTurn = adapters.some(isGptOss);
  return adapters.map((adapter) => {
    const { name, modules } = adapter;
    if (![...modules.values()].some(isSingle)) return adapter;
    const beyond = [...modules.values()].find((module) => isSingle(module) && placeOf(module.name)!.expert >= experts);
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

function isSingle({ name, parameter }: AdapterModule): boolean {
  return parameter === undefined && placeOf(name) !== null;
}

/**
 * Modules with the experts that are modules of their own as those of parameters of all experts.
 *
 * @param adapter its name, for messages
 * @param inTurn whether gate and up are rows in turn, or gate's first
 * @param named what the parameters call a path of these modules
 */
export function inParameters(
  adapter: string,
  found: Iterable<AdapterModule>,
  experts: number,
  inTurn: boolean,
  named = (path: string): string => path,
): Map<string, AdapterModule> {
  const modules = new Map<string, AdapterModule>();
  const stacks = new Map<string, Map<string, AdapterModule>>();
  for (const module of found) {
    const place = isSingle(module) ? placeOf(module.name) : null;
    if (place === null) {
      const name = named(module.name);
      modules.set(name, { ...module, name });
      continue;
    }
    const parameter = { name: place.role === "down" ? "down_proj" : GATE_UP, experts };
    const name = `${named(place.layer)}.experts.${place.expert}.${parameter.name}`;
    modules.set(name, { ...module, name, parameter });
    if (place.role !== "down") stacks.set(name, (stacks.get(name) ?? new Map()).set(place.role, module));
  }
  for (const [name, parts] of stacks) {
    const { parameter } = modules.get(name)!;
    const rows = inTurn ? null : { gate: 1, up: 1 };
    modules.set(name, { ...stackedRows(adapter, name, ["gate", "up"], parts, rows), parameter: parameter! });
  }
  return modules;
}

function isGptOss({ baseModel, modules }: Adapter): boolean {
  return GPT_OSS.test(baseModel ?? "") || [...modules.keys()].some((name) => OF_GPT_OSS.test(name));
}

/** Which projection of which expert a module is. */
function placeOf(module: string) {
  const place = expertOf(module);
  const role = roleOf(place?.projection ?? "");
  return place === null || role === null ? null : { role, layer: place.layer, expert: place.expert };
}
