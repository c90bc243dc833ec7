import { useEffect, useRef } from "preact/hooks";
import { CONSUMER_IDS, consumerById } from "../../src/adapter/consumers.ts";
import { DTYPE_CHOICES, RANK_LAYOUTS } from "../../src/merge/recipe.ts";
import { METHODS, methodById } from "../../src/methods/registry.ts";
import { ask, recipe, refusal } from "../state/merge.ts";
import { Choice } from "./choice.tsx";
import { Check, Field } from "./field.tsx";
import { MethodOptions } from "./method-options.tsx";

/** What is asked for, by the field of the recipe; the default is no wish. */
function wish<Value>(field: keyof typeof recipe.value, fallback: Value) {
  return {
    value: (recipe.value[field] as Value | undefined) ?? fallback,
    onChoose: (to: string) => ask({ [field]: to === fallback ? undefined : to }),
  };
}

/** All that a merge is asked for. */
export function MergeForm() {
  const id = recipe.value.method!;
  const { title, reference, weights, dependsOn } = methodById(id);
  const { target, scale } = recipe.value;
  return (
    <div class="stack">
      <Choice
        label="Method"
        flag="--method"
        value={id}
        options={METHODS.map(({ id: own, title: name }) => ({ value: own, text: `${own}: ${name}` }))}
        onChoose={(chosen) => ask({ method: chosen, options: undefined })}
      />
      <p class="hint">
        {title}. {reference}. Weights are {weights === "relative" ? "relative" : "factors"}; depends on{" "}
        {dependsOn === "delta" ? "the deltas alone" : "how deltas are split into factors"}.
      </p>
      <fieldset class="parameters">
        <legend>Options of {id}</legend>
        <MethodOptions id={id} />
      </fieldset>
      <div class="row">
        <Field
          label="Rank"
          flag="--rank"
          number={{ min: 1 }}
          placeholder="default"
          value={target?.kind === "rank" ? target.rank : undefined}
          onType={(text) => ask({ target: text === "" ? undefined : { kind: "rank", rank: Number(text) } })}
        />
        <Field
          label="Factor of the delta"
          flag="--scale"
          number={{ step: 0.05 }}
          placeholder="1"
          value={scale}
          onType={(text) => ask({ scale: text === "" ? undefined : Number(text) })}
        />
        <Choice
          label="For"
          flag="--for"
          options={[
            { value: "", text: "any program" },
            ...CONSUMER_IDS.map((consumer) => ({ value: consumer, text: consumerById(consumer).title })),
          ]}
          {...wish<string>("for", "")}
        />
      </div>
      <More />
    </div>
  );
}

const EXTRAS = [
  { value: "error", text: "refuse them" },
  { value: "drop", text: "leave them out" },
  { value: "first", text: "the first adapter's" },
  { value: "average", text: "their average" },
];
const AFTER = [
  { value: "", text: "nothing" },
  { value: "svc", text: "singular value calibration" },
];
const LAYOUTS = { uniform: "one for all modules", pattern: "each module its own" };

/** What few merges need; it opens by itself where a refusal speaks of it. */
function More() {
  const fields = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const spoken = [...fields.current!.querySelectorAll("code")].some(({ textContent: flag }) =>
      refusal.value?.includes(flag!),
    );
    if (spoken) fields.current!.open = true;
  }, [refusal.value]);
  return (
    <details ref={fields}>
      <summary>More</summary>
      <div class="parameters">
        <Choice label="Heads and other full tensors" flag="--extras" options={EXTRAS} {...wish("extras", "error")} />
        <Choice
          label="Element type"
          flag="--dtype"
          options={DTYPE_CHOICES.map((value) => ({ value, text: value === "auto" ? "the adapters'" : value }))}
          {...wish<(typeof DTYPE_CHOICES)[number]>("dtype", "auto")}
        />
        <Choice
          label="Ranks"
          flag="--rank-layout"
          options={RANK_LAYOUTS.map((value) => ({ value, text: LAYOUTS[value] }))}
          {...wish<(typeof RANK_LAYOUTS)[number]>("rankLayout", "uniform")}
        />
        <Choice label="After the method" flag="--after" options={AFTER} {...wish("after", "")} />
        <Patterns label="Only modules" flag="--include" field="include" />
        <Patterns label="Without modules" flag="--exclude" field="exclude" />
        <Check
          label="accept adapters that share no module or end at different layers"
          flag="--allow-partial"
          checked={recipe.value.allowPartial === true}
          onCheck={(on) => ask({ allowPartial: on || undefined })}
        />
      </div>
    </details>
  );
}

function Patterns({ label, flag, field }: { label: string; flag: string; field: "include" | "exclude" }) {
  return (
    <Field
      label={label}
      flag={flag}
      placeholder="q_proj layers.1*.**"
      value={recipe.value[field]?.join(" ")}
      onType={(text) => {
        const patterns = text.split(/[\s,]+/).filter((pattern) => pattern !== "");
        ask({ [field]: patterns.length === 0 ? undefined : patterns });
      }}
    />
  );
}
