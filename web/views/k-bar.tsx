import { figure } from "../../src/core/shown.ts";
import { openAdapters } from "../state/adapters.ts";
import { withoutBase } from "../state/base-config.ts";
import { clustering, k, recommended, wantedK } from "../state/module.ts";
import { audited } from "../state/overview.ts";
import { mergeAtK } from "../state/suggested.ts";

const WHY = "Recommended for LEGO: the rank at which it kept most of such adapters in what was measured";

/** k, and the ways to take it; stays in view. */
export function KBar({ most }: { most: number }) {
  const best = recommended.value;
  return (
    <div class="k-bar">
      <label class="k">
        <span>
          k = <output aria-live="off">{k.value}</output>
        </span>
        <input
          type="range"
          aria-label="clusters k"
          min={1}
          max={most}
          value={k.value}
          list="recommended-k"
          onInput={(event) => {
            wantedK.value = event.currentTarget.valueAsNumber;
          }}
        />
        <datalist id="recommended-k">{best !== null && <option value={best} />}</datalist>
      </label>
      <button
        type="button"
        class="primary"
        disabled={withoutBase.value.length > 0}
        title={withoutBase.value.length > 0 ? "Open the base model's config.json first, to merge these adapters" : ""}
        onClick={() => mergeAtK(k.value)}
      >
        Use this k
      </button>
      {audited.value !== null && best === null && openAdapters.value.length > 1 && (
        <span class="quiet">LoRA-LEGO is not recommended for these adapters.</span>
      )}
      {best !== null && best !== k.value && (
        <button
          type="button"
          title={WHY}
          onClick={() => {
            wantedK.value = best;
          }}
        >
          Recommended: {best}
        </button>
      )}
      {best !== null && best === k.value && (
        <span class="quiet" title={WHY}>
          recommended
        </span>
      )}
    </div>
  );
}

/** What the merge at this k comes to; what each figure says is shown under the pointer. */
export function KFigures() {
  const found = clustering.value;
  const [purity, chance] = [found?.purity.purity ?? null, found?.purity.chance ?? null];
  return (
    <dl class="figures">
      <Figure name="norm ratio" value={found?.normRatio} says="Length of the merge, times the adapters' mean" />
      <Figure name="energy" value={found?.energy} says="How much the merge points along the adapters' sum, 0 to 1" />
      <Figure name="purity" value={purity} says="Share of units whose adapter has most of their cluster" />
      <Figure name="by chance" value={chance} says="The purity of clusters drawn at random" />
      <Figure name="B's share" value={found?.shareOfB} says="B's share of what is clustered; the rest is A's" />
    </dl>
  );
}

function Figure({ name, value = null, says }: { name: string; value: number | null | undefined; says: string }) {
  return (
    <div title={says}>
      <dt>{name}</dt>
      <dd>{value === null ? "–" : figure(value)}</dd>
    </div>
  );
}
