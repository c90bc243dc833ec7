import { useEffect, useState } from "preact/hooks";
import { type Parameter, parametersOf } from "../../src/methods/parameters.ts";
import { methodById } from "../../src/methods/registry.ts";
import { ask, recipe } from "../state/merge.ts";
import { Choice } from "./choice.tsx";
import { Check, Field } from "./field.tsx";

/** The options of a method, as its schema describes them. */
export function MethodOptions({ id }: { id: string }) {
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
        <Option key={`${id} ${parameter.name}`} parameter={parameter} />
      ))}
    </>
  );
}

function Option({ parameter }: { parameter: Parameter }) {
  const { name, type, choices, description } = parameter;
  const { [name]: own, ...others } = recipe.value.options ?? {};
  const value = own ?? parameter.default;
  const set = (to: unknown): void => {
    const options = to === parameter.default || to === undefined ? others : { ...others, [name]: to };
    ask({ options: Object.keys(options).length === 0 ? undefined : options });
  };
  const common = { label: name, describedBy: `about-${name}` };
  const hint = <small id={common.describedBy}>{description}</small>;
  if (type === "boolean") {
    return (
      <Check {...common} checked={value === true} onCheck={set}>
        {hint}
      </Check>
    );
  }
  if (choices !== null) {
    const options = choices.map((choice) => ({ value: choice, text: choice }));
    return (
      <Choice {...common} value={String(value)} options={options} onChoose={set}>
        {hint}
      </Choice>
    );
  }
  const numeric = type === "number" || type === "integer";
  return (
    <Field
      {...common}
      value={value as string | number | undefined}
      {...(numeric && { number: { step: type === "integer" ? 1 : "any" } })}
      onType={(text) => set(text === "" ? undefined : numeric ? Number(text) : text)}
    >
      {hint}
    </Field>
  );
}
