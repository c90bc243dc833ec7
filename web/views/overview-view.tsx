import type { Signal } from "@preact/signals";
import { figure } from "../../src/core/shown.ts";
import { openAdapters } from "../state/adapters.ts";
import {
  FIGURES,
  type FigureId,
  first,
  grid,
  meanValue,
  placeOf,
  purityRanks,
  scale,
  second,
  shownFigure,
} from "../state/figures.ts";
import { moduleName } from "../state/module.ts";
import { overview, overviewError, overviewTotal } from "../state/overview.ts";
import { leadTo } from "../state/tabs.ts";
import { ChartMenu } from "./chart-menu.tsx";
import { Choice } from "./choice.tsx";
import { useRoving } from "./roving.ts";
import { Scale } from "./scale.tsx";
import { SetSummary } from "./set-summary.tsx";
import { Row, Table } from "./table.tsx";

/** The set as a whole, and below it layers by module kinds, shaded by one figure; a cell opens its module. */
export function OverviewView() {
  if (openAdapters.value.length === 0) return <p class="empty">Open adapters to see what they change, and where.</p>;
  if (overviewError.value !== null) {
    return (
      <p class="error" role="alert">
        {overviewError.value}
      </p>
    );
  }
  return (
    <>
      <SetSummary />
      {overview.value.size === 0 ? <p class="loading">Reading the modules…</p> : <Layers />}
    </>
  );
}

/** The most layers whose cells may be larger where a screen has room. */
const MOST_FEW = 8;

function Layers() {
  const done = overview.value.size;
  const { layers, kinds, cells } = grid.value;
  const roving = useRoving(cells.flat().flatMap(([name]) => name ?? []));
  const { title, hint } = FIGURES[shownFigure.value];
  const [least, most] = scale.value;
  return (
    <section aria-labelledby="overview-title" onKeyDown={roving.onKeyDown}>
      <div class="row between">
        <h2 id="overview-title">{title}, layer by layer</h2>
        <Choices />
      </div>
      <p class="hint">
        {hint} {shownFigure.value === "purity" && atRanks(purityRanks.value)} Choose a cell to open its module.{" "}
        {done < overviewTotal.value && `${done} of ${overviewTotal.value} modules read.`}
      </p>
      <figure class="plain layers">
        <figcaption class="row between">
          <Scale least={least} most={most} />
          <ChartMenu title={`${title} layer by layer`} />
        </figcaption>
        <Table
          class={layers.length > MOST_FEW ? "heat" : "heat few"}
          columns={["layer", ...kinds.map((kind) => kind.replace(/[._]/g, "$&\u200b"))]}
        >
          {layers.map((layer, y) => (
            <Row key={layer} head={layer}>
              {cells[y]!.map((names, x) => (
                <td key={kinds[x]}>
                  {names.length > 0 && (
                    <Cell
                      names={names}
                      place={`${layer} ${kinds[x]}`}
                      mark={{ ...roving.mark(names[0]!), "data-column": x }}
                    />
                  )}
                </td>
              ))}
            </Row>
          ))}
        </Table>
      </figure>
    </section>
  );
}

/** At which rank purity is shown, which is where the module's k begins. */
function atRanks(ranks: readonly number[]): string {
  if (ranks.length === 0) return "";
  return `LEGO at rank ${ranks.length === 1 ? ranks[0] : `${ranks[0]} to ${ranks.at(-1)}`}.`;
}

function Cell({ names, place, mark }: { names: readonly string[]; place: string; mark: object }) {
  const value = meanValue(names);
  const text = value === null ? "–" : value.toPrecision(2);
  const share = value === null ? 0 : Math.abs(value) / scale.value[1];
  const what = names.length === 1 ? names[0] : `${place}, ${names.length} modules`;
  return (
    <button
      type="button"
      {...mark}
      class={shadeClass(value, share)}
      aria-label={`${what}: ${text}`}
      title={`${what}: ${figure(value)}`}
      aria-current={moduleName.value !== null && names.includes(moduleName.value)}
      style={{ "--share": share.toFixed(3) }}
      onClick={() => {
        moduleName.value = names[0]!;
        leadTo("module");
      }}
    >
      {text}
    </button>
  );
}

/** Classes of a cell that is shaded by a share of its scale. */
export function shadeClass(value: number | null, share: number): string {
  return `cell${share > 0.79 ? " strong" : ""}${value !== null && value < 0 ? " negative" : ""}`;
}

function Choices() {
  const { of } = FIGURES[shownFigure.value];
  const choose = (label: string, to: Signal<number>, other: Signal<number>, besides?: number) => (
    <Choice
      label={label}
      value={placeOf(to.value) < 0 ? -1 : to.value}
      options={[
        { value: -1, text: "all, mean" },
        ...openAdapters.value
          .filter(({ card }) => card.id !== besides)
          .map(({ card, name }) => ({ value: card.id, text: name })),
      ]}
      onChoose={(id) => {
        to.value = Number(id);
        if (other.value === to.value) other.value = -1;
      }}
    />
  );
  return (
    <div class="row">
      <Choice
        label="Figure"
        value={shownFigure.value}
        options={Object.entries(FIGURES).map(([value, { title }]) => ({ value, text: title }))}
        onChoose={(id) => {
          shownFigure.value = id as FigureId;
        }}
      />
      {of !== "all" && choose("Adapter", first, second)}
      {of === "two" && choose("with", second, first, first.value)}
    </div>
  );
}
