import { type Command, Option } from "commander";
import { UsageError } from "../core/errors.ts";
import type { EnergyRule, Target } from "../methods/method.ts";
import { parseCount, parseEnergy, parseShare } from "./numbers.ts";

/** The flags that say which rank a result has. */
export interface TargetFlags {
  readonly rank?: number;
  readonly energy?: { readonly rule: EnergyRule; readonly threshold: number };
  readonly keep?: number;
}

/** Add `--rank` and `--energy`. */
export function addRankOptions(command: Command, rank: string): void {
  command
    .option("--rank <k>", rank, parseCount)
    .addOption(
      new Option("--energy <rule=t>", "rank of each module by its singular values: sv_ratio, sv_cumulative or sv_fro")
        .argParser(parseEnergy)
        .conflicts("rank"),
    );
}

/** Add `--keep`. */
export function addKeepOption(command: Command): void {
  command.addOption(
    new Option("--keep <share>", "share of each module's units to keep, as 0.5")
      .argParser(parseShare)
      .conflicts(["rank", "energy"]),
  );
}

/** The target that the flags name, if any. */
export function targetOf({ rank, energy, keep }: TargetFlags): Target | undefined {
  if (rank !== undefined) return { kind: "rank", rank };
  if (energy !== undefined) return { kind: "energy", ...energy };
  return keep === undefined ? undefined : { kind: "share", share: keep };
}

/** The target of a command that makes no sense without one. @throws UsageError when the flags name none */
export function requiredTarget(flags: TargetFlags): Target {
  const target = targetOf(flags);
  if (target === undefined) throw new UsageError("Pass one of --rank, --energy and --keep.");
  return target;
}
