import { kebab } from "../../src/core/kebab.ts";
import { AUTO, chooseMethod } from "../../src/methods/auto.ts";
import { type FieldName, RECIPE_FIELDS } from "../../src/recipe/recipe-fields.ts";
import { MOST_SHARE } from "../../src/report/kept.ts";
import { chosenAdapters } from "../state/adapters.ts";
import { advisedScale, ask, estimate, recipe, recommendedRank, refusal, typeRank, wanted } from "../state/merge.ts";
import { programs } from "../state/programs.ts";
import { Choice } from "./choice.tsx";
import { Check, Field } from "./field.tsx";

/** Fields that a form can offer. */
export type OfferedField = Exclude<FieldName, "method" | "keep" | "energy" | "budget">;

/** A field of the recipe, as `RECIPE_FIELDS` describes it; the default value leaves the field out of the recipe. */
export function RecipeField({ name }: { name: OfferedField }) {
  const field = RECIPE_FIELDS[name];
  const common = { label: field.label!, flag: `--${kebab(name)}` };
  if (field.type === "rank") {
    const { target } = wanted.value;
    const rank = target?.kind === "rank" ? target.rank : undefined;
    return (
      <Field
        {...common}
        number={{ min: 1 }}
        placeholder={ownRankShown()}
        value={rank}
        note={rank !== undefined && rank === recommendedRank(recipe.value.method) ? "recommended" : undefined}
        onType={typeRank}
      />
    );
  }
  const own = recipe.value[name as Exclude<typeof name, "rank">];
  const set = (to: unknown): void => ask({ [name]: to === field.default ? undefined : to });
  switch (field.type) {
    case "choice": {
      const words = Object.entries(field.choices).map(([value, text]) => ({
        value,
        text: name === "extras" ? `${value}: ${text}` : text,
        ...(name === "for" && whetherLoads(value, text)),
      }));
      const options = field.default === null ? [{ value: "", text: field.none ?? "" }, ...words] : words;
      return (
        <Choice
          {...common}
          options={options}
          value={String(own ?? field.default ?? "")}
          onChoose={(to) => set(to === "" ? undefined : to)}
        />
      );
    }
    case "scale":
      return (
        <Field
          {...common}
          placeholder={
            recipe.value.method === AUTO && factorOfAuto() === "auto" ? "computed" : `${field.default}, or auto`
          }
          value={own as number | string | undefined}
          onType={(text) => {
            advisedScale.value = null;
            set(factorIn(text.trim()));
          }}
        >
          <OfFactor factor={own} />
        </Field>
      );
    case "switch":
      return <Check {...common} checked={own === true} onCheck={set} />;
    case "patterns":
      return (
        <Field
          {...common}
          placeholder="q_proj layers.1*.**"
          value={(own as readonly string[] | undefined)?.join(" ")}
          onType={(text) => {
            const patterns = text.split(/[\s,]+/).filter((pattern) => pattern !== "");
            set(patterns.length === 0 ? undefined : patterns);
          }}
        />
      );
    default:
      return null;
  }
}

/** A program that does not load what is merged of the open adapters cannot be chosen, and says why. */
function whetherLoads(id: string, title: string): { readonly text: string; readonly disabled: boolean } {
  const against = programs.value?.find((program) => program.for === id)?.against ?? null;
  if (against === null) return { text: title, disabled: false };
  // Below the form it is said already.
  if (recipe.value.for === id && refusal.value !== null) return { text: title, disabled: true };
  // What to do instead is for those who asked for it.
  const [reason] = against.split(";");
  return { text: reason!.startsWith(title) ? reason! : `${title}: ${reason}`, disabled: true };
}

/** The rank that the method takes by itself, once it is planned. */
function ownRankShown(): string {
  const found = estimate.value;
  return found !== null && "rank" in found ? `default: ${found.rank}` : "default";
}

/** What is typed into the factor's field; words other than auto stay, and are refused. */
function factorIn(text: string): number | string | undefined {
  const factor = Number(text);
  return text === "" ? undefined : Number.isNaN(factor) ? text : factor;
}

/** What a factor does that few merges need; each may be meant. */
function OfFactor({ factor }: { factor: unknown }) {
  if (typeof factor !== "number" || (factor >= 0 && factor <= MOST_SHARE)) return null;
  return (
    <small class="note">
      {factor < 0
        ? "Below 0 the result acts against its adapters."
        : `Above ${MOST_SHARE} adapters may act far above their strength.`}
    </small>
  );
}

/** The factor of the method that auto would choose, as far as weights tell. */
function factorOfAuto(): 1 | "auto" {
  return chooseMethod(chosenAdapters.value.filter(({ weight }) => weight !== 0).length, false).scale;
}
