import { beforeEach, describe, expect, it } from "vitest";
import { page, userEvent } from "vitest/browser";
import { adapters } from "../../web/state/adapters.ts";
import { AdapterList } from "../../web/views/adapter-list.tsx";
import { mount } from "./mounted.ts";

const refused = (key: number, name: string) => ({ key, name, weight: 1, card: null, error: `${name} is no adapter.` });
const focused = () => document.activeElement!.getAttribute("aria-label");

beforeEach(() => {
  adapters.value = [refused(1, "one"), refused(2, "two"), refused(3, "three")];
});

describe("the list of adapters", () => {
  it("keeps the focus in the list while adapters are removed", async () => {
    mount(
      <aside>
        <button type="button" aria-label="open" />
        <AdapterList />
      </aside>,
    );
    const remove = async (name: string) => {
      (page.getByRole("button", { name: `Remove ${name}` }).element() as HTMLElement).focus();
      await userEvent.keyboard("{Enter}");
      return focused();
    };
    expect(await remove("two")).toBe("Name of three");
    expect(await remove("three")).toBe("Name of one");
    expect(await remove("one")).toBe("open");
    expect(adapters.value).toEqual([]);
  });

  it("gives no adapter an empty name or one that is taken", async () => {
    mount(<AdapterList />);
    const name = page.getByRole("textbox", { name: "Name of two" });
    await name.fill("");
    await userEvent.tab();
    await expect.element(name).toHaveValue("two");
    await name.fill("one");
    await userEvent.tab();
    expect(adapters.value.map((adapter) => adapter.name)).toEqual(["one", "one (2)", "three"]);
  });
});
