import { expertOf, GATE_UP, roleOf } from "../experts.ts";
import type { AdapterModule } from "../read-adapter.ts";
import { stackedRows } from "./whole.ts";

/** Which projection of which expert a module of its own is, gate and up apart; null for other modules. */
export function placeOfSingle({ name, parameter }: AdapterModule): {
  readonly role: "gate" | "up" | "down";
  readonly layer: string;
  readonly expert: number;
} | null {
  const place = parameter === undefined ? expertOf(name) : null;
  const role = roleOf(place?.projection ?? "");
  return place === null || role === null ? null : { role, layer: place.layer, expert: place.expert };
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
    const place = placeOfSingle(module);
    if (place === null) {
      const name = named(module.name);
      const both = module.parameter === undefined && expertOf(name)?.projection === GATE_UP;
      modules.set(name, { ...module, name, ...(both && { parameter: { name: GATE_UP, experts } }) });
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
