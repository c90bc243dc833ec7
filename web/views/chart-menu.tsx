import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import type { DrawnMark } from "../state/chart-file.ts";

interface ChartMenuProps {
  readonly title: string;
  /** What a canvas draws over the chart. */
  marks?(): readonly DrawnMark[];
  readonly children?: ComponentChildren;
}

/** What can be had of a chart: its picture as a file, and its figures as a table, drawn when it is opened. */
export function ChartMenu({ title, marks = () => [], children }: ChartMenuProps) {
  const open = useSignal(false);
  const menu = useRef<HTMLDetailsElement>(null);
  const save = async (type: "svg" | "png"): Promise<void> => {
    const { saveChart } = await import("../state/chart-file.ts");
    const figure = menu.current!.closest("figure")!;
    await saveChart(
      figure.querySelector<SVGSVGElement>("svg:not(.mark)") ?? figure.querySelector("table")!,
      title,
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
