import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { openAdapters } from "../state/adapters.ts";
import type { DrawnMark, NamedLine } from "../state/chart-file.ts";
import { colorOf, shapeOf } from "./palette.tsx";

interface ChartMenuProps {
  readonly title: string;
  /** What its picture shows besides, which the page says elsewhere: the module, k. */
  readonly of?: string;
  /** Lines that are no adapter's. */
  readonly lines?: readonly NamedLine[];
  /** Whether it has adapters' marks or colours without their names. */
  readonly legend?: boolean;
  /** What a canvas draws over the chart. */
  marks?(): readonly DrawnMark[];
  readonly children?: ComponentChildren;
}

/** What can be had of a chart: its picture as a file, and its figures as a table, drawn when it is opened. */
export function ChartMenu({ title, of, lines = [], legend = false, marks = () => [], children }: ChartMenuProps) {
  const open = useSignal(false);
  const menu = useRef<HTMLDetailsElement>(null);
  const save = async (type: "svg" | "png"): Promise<void> => {
    const { saveChart } = await import("../state/chart-file.ts");
    const figure = menu.current!.closest("figure")!;
    const scale = figure.querySelector(".scale")?.textContent;
    const words = {
      title: of === undefined ? title : `${title}, ${of}`,
      lines,
      adapters: legend ? openAdapters.value.map(({ name }, t) => ({ name, shape: shapeOf(t), fill: colorOf(t) })) : [],
      colours: scale === undefined ? null : `Colours from ${scale.trim().replace(/\s+/, " to ")}`,
    };
    await saveChart(
      figure.querySelector<SVGSVGElement>("svg:not(.mark)") ?? figure.querySelector("table")!,
      words,
      type,
      marks(),
    );
  };
  return (
    <details
      class="over chart-menu"
      ref={menu}
      onToggle={({ currentTarget }) => {
        open.value = currentTarget.open;
      }}
    >
      <summary aria-label={`${title}: figures and files`}>⋯</summary>
      {open.value && (
        <div>
          <div class="row">
            <button type="button" onClick={() => void save("svg")}>
              Save as SVG
            </button>
            <button type="button" onClick={() => void save("png")}>
              Save as PNG
            </button>
          </div>
          {children}
        </div>
      )}
    </details>
  );
}
