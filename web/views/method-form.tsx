import { useEffect, useState } from "preact/hooks";
import { CONSUMER_IDS, consumerById } from "../../src/adapter/consumers.ts";
import { type Parameter, parametersOf } from "../../src/methods/parameters.ts";
import { METHODS, methodById } from "../../src/methods/registry.ts";
import { consumer, dropExtras, method, options, rank, scale } from "../state/merge.ts";
import { Choice } from "./choice.tsx";

/** Method, its options as its schema describes them, rank, factor and the program that is to load the result. */
export function MethodForm() {
  const { title, reference, weights, dependsOn } = methodById(method.value);
  return (
    <div class="stack">
      <Choice
        label="Method"
        value={method.value}
        options={METHODS.map(({ id, title: name }) => ({ value: id, text: `${id}: ${name}` }))}
        onChoose={(id) => {
          method.value = id;
          options.value = {};
        }}
      />
      <p class="hint">
        {title}. {reference}. Weights are {weights === "relative" ? "relative" : "factors"}; depends on{" "}
        {dependsOn === "delta" ? "the deltas alone" : "how deltas are split into factors"}.
      </p>
      <fieldset class="parameters">
        <legend>Options of {method.value}</legend>
        <Parameters id={method.value} />
      </fieldset>
      <div class="row">
        <label>
          Rank
          <input
            type="number"
            min={1}
            placeholder="default"
            value={rank.value}
            onInput={(event) => {
              rank.value = event.currentTarget.value;
            }}
          />
        </label>
        <label>
          Factor of the delta
          <input
            type="number"
            step="0.05"
            value={scale.value}
            onInput={(event) => {
              scale.value = event.currentTarget.value;
            }}
          />
        </label>
        <Choice
          label="For"
          value={consumer.value}
          options={[
            { value: "", text: "any program" },
            ...CONSUMER_IDS.map((id) => ({ value: id, text: consumerById(id).title })),
          ]}
          onChoose={(id) => {
            consumer.value = id;
          }}
        />
        <label class="check">
          <input
            type="checkbox"
            checked={dropExtras.value}
            onChange={(event) => {
              dropExtras.value = event.currentTarget.checked;
            }}
          />
          leave out heads and other full tensors
        </label>
      </div>
    </div>
  );
}

function Parameters({ id }: { id: string }) {
  const [found, setFound] = useState<readonly Parameter[] | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    setFound(null);
    import("zod").then(
      ({ z }) => setFound(parametersOf(methodById(id), z)),
      () => setFailed(true),
    );
  }, [id]);
  if (failed) return <p class="error">The options could not be loaded; reload the page.</p>;
  if (found === null) return <p class="loading">Loading…</p>;
  if (found.length === 0) return <p class="hint">None.</p>;
  return (
    <>
      {found.map((parameter) => (
        <Field key={parameter.name} parameter={parameter} />
      ))}
    </>
  );
}

function Field({ parameter }: { parameter: Parameter }) {
  const { name, type, choices, description } = parameter;
  const value = options.value[name] ?? parameter.default;
  const set = (to: unknown): void => {
    const { [name]: _, ...others } = options.value;
    options.value = to === parameter.default || to === undefined ? others : { ...others, [name]: to };
  };
  const hint = <small id={`about-${name}`}>{description}</small>;
  if (type === "boolean") {
    return (
      <label class="check">
        <input
          type="checkbox"
          checked={value === true}
          aria-describedby={`about-${name}`}
          onChange={(event) => set(event.currentTarget.checked)}
        />
        {name} {hint}
      </label>
    );
  }
  if (choices !== null) {
    return (
      <Choice
        label={name}
        value={String(value)}
        options={choices.map((choice) => ({ value: choice, text: choice }))}
        describedBy={`about-${name}`}
        onChoose={set}
      >
        {hint}
      </Choice>
    );
  }
  const numeric = type === "number" || type === "integer";
  return (
    <label>
      {name}
      <input
        {...(numeric ? { type: "number" as const, step: type === "integer" ? 1 : "any" } : {})}
        value={value === undefined ? "" : String(value)}
        aria-describedby={`about-${name}`}
        onChange={(event) => {
          const { value: text } = event.currentTarget;
          set(text === "" ? undefined : numeric ? Number(text) : text);
        }}
      />
      {hint}
    </label>
  );
}
