import { useEffect } from "preact/hooks";
import type { Signature } from "../../src/analysis/audit/signatures.ts";
import { plural } from "../../src/core/plural.ts";
import { openInputs } from "../state/advised.ts";
import { failedLooks, lookAt } from "../state/checked.ts";
import { keptOfEach } from "../state/kept-of-each.ts";
import type { MadeMerge } from "../state/merge.ts";
import { Said } from "./said.tsx";

/** What `lora-lego audit --of` finds in a result: one line, and a list to unfold. */
export function Checks({ made }: { made: MadeMerge }) {
  const { checks, report } = made;
  const inputs = openInputs(made);
  // One adapter was not merged but changed, as it was asked for.
  const several = report.inputs.length > 1;
  useEffect(() => {
    if (several && inputs !== null) lookAt(made, inputs);
  }, [made, inputs !== null]);
  if (!several) return null;
  if (checks === null || "unknown" in checks) {
    const why = inputs === null ? "open its adapters again." : failedLooks.value.get(made.files);
    const unknown = checks?.unknown ?? why;
    return (
      <p class="hint">
        {unknown === undefined ? "Looking for signs of failure…" : `Not checked for signs of failure: ${unknown}`}
      </p>
    );
  }
  const { signatures } = checks;
  const found = signatures.filter((check) => check.found === true);
  const looked = signatures.filter((check) => check.found !== null);
  // No check looks at the strength of a single adapter, of which the result's first sentence says more.
  const amplified = keptOfEach(report).includes("amplified");
  return (
    <details class="checks">
      <summary class={found.length > 0 ? "error" : amplified ? "note" : ""}>
        {found.length === 0
          ? `No sign of failure in ${plural(looked.length, "check")}${amplified ? ", but an adapter acts far above its strength" : ""}`
          : `Signs of failure: ${found.map(wordOf).join(", ")}`}
      </summary>
      <ul>
        {signatures.map((check) => (
          <li key={check.id} class={check.found === true ? "error" : "facts"}>
            <b>{check.found === null ? "–" : check.found ? "✗" : "✓"}</b> {check.found === false && "no "}
            {wordOf(check)}: <Said text={check.text} />
          </li>
        ))}
      </ul>
    </details>
  );
}

const wordOf = ({ id }: Signature): string => id.replaceAll("-", " ");
