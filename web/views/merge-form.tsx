import { useEffect, useRef } from "preact/hooks";
import { AUTO, autoRules } from "../../src/methods/auto.ts";
import type { MethodId } from "../../src/methods/method-options.ts";
import { METHODS, methodById } from "../../src/methods/registry.ts";
import { FIELD_NAMES, RECIPE_FIELDS } from "../../src/recipe/recipe-fields.ts";
import { openAdapters, weigh } from "../state/adapters.ts";
import { askMethod, recipe, refusal } from "../state/merge.ts";
import { Choice } from "./choice.tsx";
import { MethodOptions } from "./method-options.tsx";
import { Mark } from "./palette.tsx";
import { type OfferedField, RecipeField } from "./recipe-field.tsx";
import { Shortened } from "./shortened.tsx";

/** Fields that many merges set; the others are under "More". */
const FIRST = ["rank", "for", "scale"] as const;
const OTHERS = FIELD_NAMES.filter(
  (name) => RECIPE_FIELDS[name].label !== undefined && ![...FIRST, "method"].some((first) => first === name),
) as readonly OfferedField[];

/** The form for a merge's recipe. */
export function MergeForm() {
  const id = recipe.value.method!;
  return (
    <div class="stack">
      <Choice
        label="Method"
        flag="--method"
        value={id}
        options={[
          { value: AUTO, text: `${AUTO}: chosen by the number of adapters` },
          ...METHODS.map(({ id: own, title }) => ({ value: own, text: `${own}: ${title}` })),
        ]}
        onChoose={askMethod}
      />
      {id === AUTO ? <p class="hint">Chosen {autoRules()}.</p> : <OfMethod id={id} />}
      <div class="first">
        {FIRST.map((name) => (
          <RecipeField key={name} name={name} />
        ))}
      </div>
      <Weights />
      <More />
    </div>
  );
}

/** What a method is, and its options. */
function OfMethod({ id }: { id: MethodId }) {
  const { title, reference, weights, dependsOn } = methodById(id);
  const own = useRef<HTMLDetailsElement>(null);
  const chosen = recipe.value.options !== undefined;
  // Options that came from elsewhere are to be seen.
  useEffect(() => {
    if (chosen) own.current!.open = true;
  }, [chosen]);
  return (
    <>
      <p class="hint">
        {title}. {reference}. Weights are {weights === "relative" ? "relative" : "factors"}; depends on{" "}
        {dependsOn === "delta" ? "the deltas alone" : "how deltas are split into factors"}.
      </p>
      <details ref={own}>
        <summary>Options of {id}</summary>
        <div class="parameters">
          <MethodOptions id={id} />
        </div>
      </details>
    </>
  );
}

/** The least span of a weight's slider. */
const WEIGHTS = [0, 2] as const;
const WEIGHT_STEP = 0.05;

/** A slider for the weight of each adapter. */
function Weights() {
  if (openAdapters.value.length < 2) return null;
  return (
    <fieldset class="weights">
      <legend>
        Weights <code>--weights</code>
      </legend>
      {openAdapters.value.map(({ key, name, weight }, index) => (
        <label key={key}>
          <span title={name}>
            <Mark index={index} /> <Shortened name={name} />
          </span>
          <input
            type="range"
            min={Math.min(WEIGHTS[0], weight)}
            max={Math.max(WEIGHTS[1], weight)}
            step={WEIGHT_STEP}
            value={weight}
            aria-valuetext={String(weight)}
            onInput={({ currentTarget }) => weigh(key, Number(currentTarget.valueAsNumber.toFixed(2)))}
          />
          <output>{weight}</output>
        </label>
      ))}
    </fieldset>
  );
}

/** Fields that few merges need; it opens by itself when an error message names one of them. */
function More() {
  const fields = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const spoken = [...fields.current!.querySelectorAll("code")].find(({ textContent: flag }) =>
      refusal.value?.includes(flag!),
    );
    // Whoever reads on finds it; the fields above stay where they are.
    if (spoken !== undefined) fields.current!.open = true;
  }, [refusal.value]);
  return (
    <details ref={fields}>
      <summary>More</summary>
      <div class="parameters">
        {OTHERS.map((name) => (
          <RecipeField key={name} name={name} />
        ))}
      </div>
    </details>
  );
}
