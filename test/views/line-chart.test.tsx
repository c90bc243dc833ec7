import { expect, it } from "vitest";
import "../../web/charts.css";
import "../../web/module.css";
import "../../web/style.css";
import { LineChart } from "../../web/views/line-chart.tsx";
import { mount } from "./mounted.ts";

it("has room for the longest figure beside its axis", async () => {
  const points = [1, 0.1, 0.01, 0.001].map((value, j) => [j + 1, value] as const);
  const series = [{ name: "one", color: 0, points }];
  const root = mount(
    <LineChart title="Values" about="falling" of="a module" axis="index" logarithmic series={series} />,
  );
  const figureAt = (text: string) => [...root.querySelectorAll("text")].find(({ textContent }) => textContent === text);
  await expect.poll(() => figureAt("0.001")).toBeDefined();
  const svg = root.querySelector(".plot > svg")!;
  expect(figureAt("0.001")!.getBoundingClientRect().left).toBeGreaterThanOrEqual(svg.getBoundingClientRect().left);
});
