import { useMemo } from "preact/hooks";
import type { Signature } from "../../src/analysis/audit/signatures.ts";
import { plural } from "../../src/core/plural.ts";
import { openInputs } from "../state/advised.ts";
import { type Checks as ChecksFound, checksOf } from "../state/checked.ts";
import type { MadeMerge } from "../state/merge.ts";

/** What is known of a result; undefined while its adapters are not open. */
export function useChecks(made: MadeMerge): ChecksFound | undefined {
  const inputs = openInputs(made);
  return useMemo(() => checksOf(made, inputs), [made, inputs !== null])?.value;
}

/** What `lora-lego audit --of` finds in a result: one line, and a list to unfold. */
export function Checks({ made }: { made: MadeMerge }) {
  const checks = useChecks(made);
  // One adapter was not merged but changed, as it was asked for.
  if (checks === undefined || checks === "unknown" || made.report.inputs.length < 2) return null;
  if (checks === null) return <p class="hint">Looking for signs of failure…</p>;
  const { signatures } = checks;
  const found = signatures.filter((check) => check.found === true);
  return (
    <details class="checks">
      <summary class={found.length > 0 ? "error" : ""}>
        {found.length === 0
          ? `No sign of failure in ${plural(signatures.length, "check")}`
          : `Signs of failure: ${found.map(wordOf).join(", ")}`}
      </summary>
      <ul>
        {signatures.map((check) => (
          <li key={check.id} class={check.found === true ? "error" : "facts"}>
            <b>{check.found === null ? "–" : check.found ? "✗" : "✓"}</b> {wordOf(check)}: {check.text}
          </li>
        ))}
      </ul>
    </details>
  );
}

const wordOf = ({ id }: Signature): string => id.replaceAll("-", " ");
