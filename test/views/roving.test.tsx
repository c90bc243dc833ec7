import { describe, expect, it } from "vitest";
import { userEvent } from "vitest/browser";
import { useRoving } from "../../web/views/roving.ts";
import { mount } from "./mounted.ts";

/** Three columns, the second row without its middle. */
const ROWS = [
  ["a0", "a1", "a2"],
  ["b0", null, "b2"],
  ["c0", "c1", "c2"],
];

function Grid() {
  const keys = ROWS.flat().filter((key) => key !== null);
  const roving = useRoving(keys);
  return (
    <section aria-label="grid" onKeyDown={roving.onKeyDown}>
      {ROWS.map((row) => (
        <p key={row[0]}>
          {row.map(
            (key, column) =>
              key !== null && (
                <button type="button" key={key} {...roving.mark(key)} data-column={column}>
                  {key}
                </button>
              ),
          )}
        </p>
      ))}
      <input aria-label="beside" />
    </section>
  );
}

const focused = () => (document.activeElement as HTMLElement).textContent;

describe("useRoving", () => {
  it("is one tab stop, which is where the focus was last", async () => {
    mount(<Grid />);
    await userEvent.tab();
    expect(focused()).toBe("a0");
    await userEvent.keyboard("{ArrowRight}{ArrowRight}");
    expect(focused()).toBe("a2");
    await userEvent.tab();
    expect(document.activeElement!.tagName).toBe("INPUT");
    await userEvent.tab({ shift: true });
    expect(focused()).toBe("a2");
  });

  it("goes up and down in a column, over what is missing there, and stays at the edges", async () => {
    mount(<Grid />);
    await userEvent.tab();
    const pressed = async (key: string) => {
      await userEvent.keyboard(`{${key}}`);
      return focused();
    };
    expect(await pressed("ArrowUp")).toBe("a0");
    expect(await pressed("ArrowRight")).toBe("a1");
    expect(await pressed("ArrowDown")).toBe("c1");
    expect(await pressed("ArrowDown")).toBe("c1");
    expect(await pressed("ArrowUp")).toBe("a1");
    expect(await pressed("End")).toBe("c2");
    expect(await pressed("ArrowRight")).toBe("c2");
    expect(await pressed("ArrowLeft")).toBe("c1");
    expect(await pressed("Home")).toBe("a0");
  });

  it("leaves the keys of other fields alone", async () => {
    const root = mount(<Grid />);
    const field = root.querySelector("input")!;
    await userEvent.click(field);
    await userEvent.keyboard("xy{Home}z");
    expect(field.value).toBe("zxy");
  });
});
