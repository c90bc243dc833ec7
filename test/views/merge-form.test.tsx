import { beforeEach, describe, expect, it } from "vitest";
import { page, userEvent } from "vitest/browser";
import { adapters } from "../../web/state/adapters.ts";
import { estimate, recipe } from "../../web/state/merge.ts";
import { programs } from "../../web/state/programs.ts";
import { MergeForm } from "../../web/views/merge-form.tsx";
import { mount } from "./mounted.ts";

const cardOf = (id: number) => {
  const facts = { format: "peft", baseModel: null, modules: 1, ranks: [2], scales: [1], dtypes: ["f32"], bytes: 8 };
  return { id, name: `a${id}`, ...facts, print: null, needsBase: false, notes: [] };
};

beforeEach(() => {
  recipe.value = { method: "lego" };
  adapters.value = [];
  estimate.value = null;
});

/** Method options are folded. */
const unfold = (id: string) => page.getByText(`Options of ${id}`).click();

describe("the form of a merge", () => {
  it("asks for what is chosen, and for nothing where the default is chosen again", async () => {
    mount(<MergeForm />);
    await unfold("lego");
    await page.getByLabelText("gauge").selectOptions("balanced");
    await page.getByLabelText("outputReweight").click();
    await page.getByLabelText("For --for").selectOptions("vllm");
    await page.getByLabelText("Rank --rank").fill("8");
    expect(recipe.value).toEqual({
      method: "lego",
      options: { gauge: "balanced", outputReweight: false },
      for: "vllm",
      target: { kind: "rank", rank: 8 },
    });
    await page.getByLabelText("gauge").selectOptions("raw");
    await page.getByLabelText("outputReweight").click();
    await page.getByLabelText("For --for").selectOptions("any program");
    await page.getByLabelText("Rank --rank").fill("");
    expect(recipe.value).toEqual({ method: "lego" });
  });

  it("has no options where auto chooses the method, and says by what", async () => {
    recipe.value = { method: "auto" };
    mount(<MergeForm />);
    await expect.element(page.getByText(/^Chosen by the number of adapters: 1: svd/)).toBeVisible();
    expect(page.getByText(/^Options of/).query()).toBeNull();
    const factor = page.getByLabelText(/^Factor of the delta/);
    await expect.element(factor).toHaveAttribute("placeholder", "1, or auto");
    adapters.value = [1, 2, 3].map((key) => ({
      key,
      name: `a${key}`,
      source: { from: "files", name: `a${key}` },
      weight: 1,
      card: cardOf(key),
      error: null,
    }));
    await expect.element(factor).toHaveAttribute("placeholder", "computed");
    await page.getByLabelText(/^Method/).selectOptions("lego");
    await expect.element(factor).toHaveAttribute("placeholder", "1, or auto");
    expect(recipe.value).toEqual({ method: "lego" });
  });

  it("offers the programs that load the result, and says of the others why not", async () => {
    programs.value = [
      { for: "peft", title: "PEFT", against: null },
      { for: "vllm", title: "vLLM", against: "vLLM takes no LoRA for GPT-2; fuse it into the base instead." },
      { for: "llamacpp", title: "llama.cpp", against: "it loads gguf files; convert the result." },
    ];
    mount(<MergeForm />);
    const option = (text: string) => page.getByRole("option", { name: text, exact: true });
    await expect.element(option("vLLM takes no LoRA for GPT-2")).toBeDisabled();
    await expect.element(option("llama.cpp: it loads gguf files")).toBeDisabled();
    await expect.element(option("PEFT")).toBeEnabled();
  });

  it("names a program that is chosen alone where the merge is refused, which says why below the form", async () => {
    programs.value = [{ for: "llamacpp", title: "llama.cpp", against: "it loads gguf files; convert the result." }];
    recipe.value = { method: "lego", for: "llamacpp" };
    mount(<MergeForm />);
    const option = page.getByLabelText("For --for").getByRole("option", { selected: true });
    await expect.element(option).toHaveTextContent(/^llama\.cpp: it loads gguf files$/);
    estimate.value = { refused: "it loads gguf files; convert the result." };
    await expect.element(option).toHaveTextContent(/^llama\.cpp$/);
  });

  it("leaves a number that is being typed as it is, and takes auto for a factor", async () => {
    mount(<MergeForm />);
    const factor = page.getByLabelText(/^Factor of the delta/);
    await factor.fill("0.50");
    await expect.element(factor).toHaveDisplayValue("0.50");
    expect(recipe.value.scale).toBe(0.5);
    await factor.fill("auto");
    expect(recipe.value.scale).toBe("auto");
  });

  it("says what a factor does that few merges need, and nothing of others", async () => {
    mount(<MergeForm />);
    const factor = page.getByLabelText(/^Factor of the delta/);
    const said = () => document.querySelector(".first .note")?.textContent ?? null;
    for (const [text, expected] of [
      ["-1", "Below 0 the result acts against its adapters."],
      ["1.5", null],
      ["1e9", "Above 10 adapters may act far above their strength."],
      ["10", null],
      ["auto", null],
      ["abc", null],
    ] as const) {
      await factor.fill(text);
      await expect.poll(said).toBe(expected);
    }
  });

  it("has the options of the method chosen, and forgets those of the one before", async () => {
    mount(<MergeForm />);
    await unfold("lego");
    await page.getByLabelText("gauge").selectOptions("svd");
    await page.getByLabelText(/^Method/).selectOptions("ties");
    await page.getByLabelText("density").fill("0.3");
    expect(recipe.value).toEqual({ method: "ties", options: { density: 0.3 } });
    expect(page.getByLabelText("gauge").query()).toBeNull();
  });

  it("weighs adapters by sliders, whose span grows with a weight", async () => {
    adapters.value = [1, 2].map((key) => ({
      key,
      name: `a${key}`,
      source: { from: "files", name: `a${key}` },
      weight: key === 1 ? 1 : 3,
      card: cardOf(key),
      error: null,
    }));
    mount(<MergeForm />);
    const slider = page.getByRole("slider", { name: "a1" }).element() as HTMLInputElement;
    slider.value = "0.52";
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    expect(adapters.value.map(({ weight }) => weight)).toEqual([0.5, 3]);
    await expect.element(page.getByRole("slider", { name: "a2" })).toHaveAttribute("max", "3");
    slider.focus();
    await userEvent.keyboard("{ArrowLeft}{ArrowLeft}");
    expect(adapters.value[0]!.weight).toBe(0.4);
  });

  it("shows what a button made of a field that was typed into before", async () => {
    mount(<MergeForm />);
    const rank = page.getByLabelText("Rank --rank");
    await rank.fill("8");
    (document.activeElement as HTMLElement).blur();
    recipe.value = { method: "lego", target: { kind: "rank", rank: 12 } };
    await expect.element(rank).toHaveDisplayValue("12");
  });

  it("takes several patterns of modules", async () => {
    mount(<MergeForm />);
    await page.getByText("More").click();
    await page.getByLabelText(/^Without modules/).fill("q_proj, layers.0.** ");
    expect(recipe.value.exclude).toEqual(["q_proj", "layers.0.**"]);
  });

  it("shows the field that a refusal speaks of", async () => {
    mount(<MergeForm />);
    const partial = page.getByLabelText(/accept adapters that share no module/);
    expect(partial.query()?.checkVisibility()).toBe(false);
    estimate.value = { refused: "a and b share no module; pass --allow-partial." };
    await expect.element(partial).toBeVisible();
    await partial.click();
    expect(recipe.value.allowPartial).toBe(true);
    estimate.value = null;
    await expect.element(partial).toBeVisible();
  });
});
