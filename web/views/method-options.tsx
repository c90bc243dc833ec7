import { kebab } from "../../src/core/kebab.ts";
import type { Parameter } from "../../src/methods/parameters.ts";
import { methodById } from "../../src/methods/registry.ts";
import { ask, recipe } from "../state/merge.ts";
import { Choice } from "./choice.tsx";
import { Check, Field } from "./field.tsx";

/** Form fields for the options of a method, made from its parameters. */
export function MethodOptions({ id }: { id: string }) {
  const parameters = Object.entries(methodById(id).parameters);
  if (parameters.length === 0) return <p class="hint">None.</p>;
  return (
    <>
      {parameters.map(([name, parameter]) => (
        <Option key={`${id} ${name}`} name={name} parameter={parameter} />
      ))}
    </>
  );
}

function Option({ name, parameter }: { name: string; parameter: Parameter }) {
  const { type, description } = parameter;
  const { [name]: own, ...others } = (recipe.value.options ?? {}) as Readonly<Record<string, unknown>>;
  const value = own ?? parameter.default;
  const set = (to: unknown): void => {
    const options = to === parameter.default || to === undefined ? others : { ...others, [name]: to };
    ask({ options: Object.keys(options).length === 0 ? undefined : options });
  };
  const common = { label: name, flag: `--${kebab(name)}`, describedBy: `about-${name}` };
  const hint = <small id={common.describedBy}>{description}</small>;
  if (type === "boolean") {
    return (
      <Check {...common} checked={value === true} onCheck={set}>
        {hint}
      </Check>
    );
  }
  if (type === "choice") {
    const options = parameter.choices.map((choice) => ({ value: choice, text: choice }));
    return (
      <Choice {...common} value={String(value)} options={options} onChoose={set}>
        {hint}
      </Choice>
    );
  }
  return (
    <Field
      {...common}
      value={value as number | undefined}
      number={{ step: type === "integer" ? 1 : "any" }}
      onType={(text) => set(text === "" ? undefined : Number(text))}
    >
      {hint}
    </Field>
  );
}
