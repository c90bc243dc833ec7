import { expect, it } from "vitest";
import "../../web/merge.css";
import { Bars } from "../../web/views/bars.tsx";
import { mount } from "./mounted.ts";

it("says a word instead of a share that says nothing", async () => {
  const rows = [
    { name: "a", value: 0.5 },
    { name: "b", value: null, word: "lost" },
  ];
  const root = mount(<Bars title="shares" rows={rows} most={1} line={1} />);
  const label = () => root.querySelector("svg")?.getAttribute("aria-label");
  await expect.poll(label).toBe("shares: a 50%, b lost");
  expect([...root.querySelectorAll("text:last-of-type")].map(({ textContent }) => textContent)).toEqual([
    "50%",
    "lost",
  ]);
});

it("keeps apart the names that begin alike where there is no room for the whole of them", async () => {
  const rows = ["gpt2-finance", "gpt2-math", "gpt2-med"].map((name) => ({ name, value: 0.5 }));
  const root = mount(
    <div style={{ width: "120px" }}>
      <Bars title="shares" rows={rows} most={1} line={1} />
    </div>,
  );
  const names = () => [...root.querySelectorAll("text:first-of-type")].map(({ textContent }) => textContent);
  // 48 of the 120 pixels are seven letters, two of them of room to the bars.
  await expect.poll(names).toEqual(["…fin…", "…math", "…med"]);
});
