import { beforeEach, describe, expect, it } from "vitest";
import { page } from "vitest/browser";
import { estimate, recipe } from "../../web/state/merge.ts";
import { MergeForm } from "../../web/views/merge-form.tsx";
import { mount } from "./mounted.ts";

beforeEach(() => {
  recipe.value = { method: "lego" };
  estimate.value = null;
});

describe("the form of a merge", () => {
  it("asks for what is chosen, and for nothing where the default is chosen again", async () => {
    mount(<MergeForm />);
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

  it("leaves a number that is being typed as it is", async () => {
    mount(<MergeForm />);
    const factor = page.getByLabelText(/^Factor of the delta/);
    await factor.fill("0.50");
    await expect.element(factor).toHaveDisplayValue("0.50");
    expect(recipe.value.scale).toBe(0.5);
  });

  it("has the options of the method chosen, and forgets those of the one before", async () => {
    mount(<MergeForm />);
    await page.getByLabelText("gauge").selectOptions("svd");
    await page.getByLabelText(/^Method/).selectOptions("ties");
    await page.getByLabelText("density").fill("0.3");
    expect(recipe.value).toEqual({ method: "ties", options: { density: 0.3 } });
    expect(page.getByLabelText("gauge").query()).toBeNull();
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
