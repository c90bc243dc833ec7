import type { MergeReport } from "./report.ts";

/** The inputs that share no module with another one. @param modules the inputs that each module has */
export function apartOf(modules: readonly (readonly number[])[], count: number): ReadonlySet<number> {
  const apart = new Set(Array.from({ length: count }, (_, t) => t));
  for (const inputs of modules) if (inputs.length > 1) for (const t of inputs) apart.delete(t);
  return apart;
}

/** The inputs of a merge that share no module with another one. */
export function apartIn({ inputs, modules }: Pick<MergeReport, "inputs" | "modules">): ReadonlySet<number> {
  const having = modules.map(({ inputRanks }) => inputRanks.flatMap((rank, t) => (rank === null ? [] : [t])));
  return apartOf(having, inputs.length);
}
