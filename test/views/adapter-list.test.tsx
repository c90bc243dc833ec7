import { beforeEach, describe, expect, it } from "vitest";
import { page, userEvent } from "vitest/browser";
import "../../web/frame.css";
import "../../web/views.css";
import { adapters, type ListedAdapter } from "../../web/state/adapters.ts";
import { showTab, tab } from "../../web/state/tabs.ts";
import { AdapterList } from "../../web/views/adapter-list.tsx";
import { useClosing } from "../../web/views/closing.ts";
import { Shortened } from "../../web/views/shortened.tsx";
import { mount } from "./mounted.ts";

const listed = (key: number, name: string, error: string | null): ListedAdapter => {
  const facts = { format: "peft", baseModel: null, modules: 1, ranks: [2], scales: [1], dtypes: ["f32"], bytes: 8 };
  const card = error === null ? { id: key, name, ...facts, print: null, needsBase: false, notes: [] } : null;
  return { key, name, source: { from: "files", name }, weight: 1, card, error };
};
const focused = () => document.activeElement!.textContent;

beforeEach(() => {
  adapters.value = [listed(1, "one", null), listed(2, "two", "two is no adapter."), listed(3, "three", null)];
});

describe("the list of adapters", () => {
  it("keeps the focus in the list while adapters are removed", async () => {
    mount(
      <>
        <header>
          <button type="button">Open</button>
        </header>
        <AdapterList />
      </>,
    );
    const remove = async (name: string) => {
      const button = page.getByRole("button", { name: `Remove ${name}` });
      if (button.query() === null) await page.getByText(name, { exact: true }).click();
      (button.element() as HTMLElement).focus();
      await userEvent.keyboard("{Enter}");
      return focused();
    };
    expect(await remove("two")).toMatch(/three/);
    expect(await remove("three")).toMatch(/one/);
    expect(await remove("one")).toBe("Open");
    expect(adapters.value).toEqual([]);
  });

  it("says why adapters are not open without their names twice, and removes all of them at once", async () => {
    adapters.value = [
      listed(1, "one", null),
      listed(2, "two", "two is no adapter."),
      listed(3, "three", "It is empty."),
    ];
    const root = mount(<AdapterList />);
    const failed = () => [...root.querySelectorAll(".failed")].map(({ textContent }) => textContent!.trim());
    expect(failed()).toEqual(["two is no adapter. Remove", "three It is empty. Remove"]);
    await page.getByRole("button", { name: "Remove the 2 that are not open" }).click();
    expect(adapters.value.map(({ name }) => name)).toEqual(["one"]);
  });

  it("takes names with spaces and weights below zero, as they are typed", async () => {
    mount(<AdapterList />);
    await page.getByText("one", { exact: true }).click();
    const field = (of: string) => page.getByLabelText(`${of} of one`).element() as HTMLInputElement;
    const [name, weight] = [field("Name"), field("Weight")];
    name.select();
    await userEvent.keyboard("My  own name");
    weight.select();
    await userEvent.keyboard("-0.5{Tab}");
    expect(adapters.value[0]).toMatchObject({ name: "My  own name", weight: -0.5 });
  });

  it("gives no adapter an empty name or one that is taken", async () => {
    mount(<AdapterList />);
    await page.getByText("three", { exact: true }).click();
    const name = page.getByRole("textbox", { name: "Name of three" });
    await name.fill("");
    await userEvent.tab();
    await expect.element(name).toHaveValue("three");
    await name.fill("one");
    await userEvent.tab();
    expect(adapters.value.map((adapter) => adapter.name)).toEqual(["one", "two", "one (2)"]);
  });

  it("moves the card of a chip at the right edge into the page", async () => {
    adapters.value = [listed(1, "one", null)];
    mount(
      <div style={{ marginLeft: "calc(100vw - 9rem)" }}>
        <AdapterList />
      </div>,
    );
    await page.getByText("one", { exact: true }).click();
    const remove = page.getByRole("button", { name: "Remove one" });
    await expect
      .poll(() => remove.element().getBoundingClientRect().right)
      .toBeLessThanOrEqual(document.documentElement.clientWidth);
  });

  it("shows one card at a time, which Escape and a press beside it close", async () => {
    adapters.value = adapters.value.filter(({ error }) => error === null);
    function Page() {
      useClosing();
      return (
        <>
          <AdapterList />
          <p style={{ marginTop: "20rem" }}>beside</p>
        </>
      );
    }
    mount(<Page />);
    const card = (name: string) => page.getByRole("textbox", { name: `Name of ${name}` });
    await page.getByText("one", { exact: true }).click();
    await expect.element(card("one")).toBeVisible();
    await page.getByText("three", { exact: true }).click();
    await expect.element(card("three")).toBeVisible();
    expect(card("one").query()).toBeNull();
    await userEvent.keyboard("{Escape}");
    expect(card("three").query()).toBeNull();
    expect(focused()).toMatch(/three/);
    await page.getByText("one", { exact: true }).click();
    await page.getByText("beside").click();
    expect(card("one").query()).toBeNull();
  });
});

describe("menus over the page", () => {
  it("close with Escape, by a press elsewhere and with another view, as cards do", async () => {
    function Menu() {
      useClosing();
      return (
        <>
          <details class="over">
            <summary>Menu</summary>
            <p>inside</p>
          </details>
          <p>elsewhere</p>
        </>
      );
    }
    mount(<Menu />);
    const inside = page.getByText("inside");
    for (const close of [
      () => userEvent.keyboard("{Escape}"),
      () => page.getByText("elsewhere").click(),
      async () => showTab(tab.value === "merge" ? "overview" : "merge"),
    ]) {
      await page.getByText("Menu").click();
      await expect.element(inside).toBeVisible();
      await inside.click();
      await expect.element(inside).toBeVisible();
      await close();
      await expect.element(inside).not.toBeVisible();
    }
  });
});

describe("a name that is too long for its place", () => {
  it("keeps its end in sight and is read out whole", async () => {
    const name = "my-gpt2-mathematics-checkpoint-1200";
    const root = mount(
      <div style={{ width: "6rem" }}>
        <Shortened name={name} />
      </div>,
    );
    const end = [...root.querySelectorAll("[aria-hidden] > span")].at(-1)!;
    expect(end.textContent).toBe("t-1200");
    const box = root.querySelector("div")!.getBoundingClientRect();
    expect(end.getBoundingClientRect().right).toBeLessThanOrEqual(box.right + 1);
    expect(root.querySelector(".visually-hidden")!.textContent).toBe(name);
    await expect.element(page.getByTitle(name)).toBeVisible();
  });
});
