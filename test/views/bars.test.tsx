import { expect, it } from "vitest";
import "../../web/merge.css";
import { Bars } from "../../web/views/bars.tsx";
import { mount } from "./mounted.ts";

it("keeps apart the names that begin alike where there is no room for the whole of them", async () => {
  const rows = ["gpt2-finance", "gpt2-math", "gpt2-med"].map((name) => ({ name, value: 0.5 }));
  const root = mount(
    <div style={{ width: "120px" }}>
      <Bars title="shares" rows={rows} most={1} line={1} />
    </div>,
  );
  const names = () => [...root.querySelectorAll("text:first-of-type")].map(({ textContent }) => textContent);
  // 48 of the 120 pixels are seven letters, two of them of room to the bars.
  await expect.poll(names).toEqual(["gp…ce", "gp…th", "gp…ed"]);
});
