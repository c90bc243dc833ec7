import { computed, signal } from "@preact/signals";
import { moduleGrid } from "../../src/analysis/module-grid.ts";
import type { ModuleOverview } from "../../src/analysis/overview.ts";
import { figure } from "../../src/core/shown.ts";
import { openAdapters } from "../state/adapters.ts";
import { moduleName } from "../state/module.ts";
import { overview, overviewError, overviewTotal } from "../state/overview.ts";
import { showTab } from "../state/tabs.ts";
import { Choice } from "./choice.tsx";
import { useRoving } from "./roving.ts";
import { Row, Table } from "./table.tsx";

const FIGURES = {
  norms: { title: "Delta norm", of: "one", hint: "Frobenius norm of s B A: how much a module changes." },
  effectiveRanks: {
    title: "Effective rank",
    of: "one",
    hint: "Exponential of the entropy of the singular values: how many directions a delta really uses.",
  },
  cosines: { title: "Similarity", of: "two", hint: "Cosine of two adapters' deltas; 1 is the same direction." },
  signConflicts: {
    title: "Sign conflict",
    of: "all",
    hint: "Share of sampled entries in which two adapters' deltas have different signs; chance is 0.5.",
  },
  purity: {
    title: "Cluster purity",
    of: "all",
    hint: "Share of units in a cluster whose majority comes from their own adapter, LEGO at the largest rank. High: clusters rarely mix adapters.",
  },
} as const;
type FigureId = keyof typeof FIGURES;

const shown = signal<FigureId>("norms");
/** Ids of the chosen adapters; -1 for all. */
const first = signal(-1);
const second = signal(-1);

/** A chosen adapter's current place in the list; -1 for all, also if it was removed. */
function placeOf(id: number): number {
  return openAdapters.value.findIndex(({ card }) => card.id === id);
}

/** The figure to show for a module; null if there is none. */
function shownOf(module: ModuleOverview): number | null {
  const figureId = shown.value;
  const [one, other] = [placeOf(first.value), placeOf(second.value)];
  if (figureId === "signConflicts") return module.signConflicts;
  if (figureId === "purity") return module.purity?.purity ?? null;
  if (figureId === "cosines") {
    const pairs = module.cosines.flatMap((row, t) =>
      row.filter((_, u) => t < u && (one < 0 || one === t || one === u) && (other < 0 || other === t || other === u)),
    );
    return meanOf(pairs);
  }
  const values = module[figureId];
  return one < 0 ? meanOf(values) : (values[one] ?? null);
}

function meanOf(values: readonly (number | null)[]): number | null {
  const there = values.filter((value) => value !== null);
  return there.length === 0 ? null : there.reduce((sum, value) => sum + value, 0) / there.length;
}

const values = computed(() => new Map(Array.from(overview.value, ([name, module]) => [name, shownOf(module)])));
const grid = computed(() => moduleGrid([...overview.value.keys()]));

/** A table of layers by module kinds, shaded by one figure; a cell opens its module. */
export function OverviewView() {
  const done = overview.value.size;
  const roving = useRoving(grid.value.cells.flat().filter((name) => name !== null));
  if (openAdapters.value.length === 0) return <p class="empty">Open adapters to see what they change, and where.</p>;
  if (overviewError.value !== null) {
    return (
      <p class="error" role="alert">
        {overviewError.value}
      </p>
    );
  }
  if (done === 0) return <p class="loading">Reading the modules…</p>;
  const all = [...values.value.values()].filter((value) => value !== null);
  const most = Math.max(...all.map(Math.abs), 1e-30);
  const { title, hint } = FIGURES[shown.value];
  return (
    <section aria-labelledby="overview-title" onKeyDown={roving.onKeyDown}>
      <h2 id="overview-title">{title}, layer by layer</h2>
      <Choices />
      <p class="hint">
        {hint} Choose a cell to open its module.{" "}
        {done < overviewTotal.value && `${done} of ${overviewTotal.value} modules read.`}
      </p>
      <Table class="heat" columns={["layer", ...grid.value.kinds.map((kind) => kind.replace(/[._]/g, "$&\u200b"))]}>
        {grid.value.layers.map((layer, y) => (
          <Row key={layer} head={layer}>
            {grid.value.cells[y]!.map((name, x) => (
              <td key={grid.value.kinds[x]}>
                {name !== null && <Cell name={name} most={most} mark={{ ...roving.mark(name), "data-column": x }} />}
              </td>
            ))}
          </Row>
        ))}
      </Table>
    </section>
  );
}

function Cell({ name, most, mark }: { name: string; most: number; mark: object }) {
  const value = values.value.get(name) ?? null;
  const text = value === null ? "–" : value.toPrecision(2);
  const share = value === null ? 0 : Math.abs(value) / most;
  return (
    <button
      type="button"
      {...mark}
      class={`cell${share > 0.79 ? " strong" : ""}${value !== null && value < 0 ? " negative" : ""}`}
      aria-label={`${name}: ${text}`}
      title={`${name}: ${figure(value)}`}
      aria-current={moduleName.value === name}
      style={{ "--share": share.toFixed(3) }}
      onClick={() => {
        moduleName.value = name;
        showTab("module");
        document.getElementById("panel")?.focus();
      }}
    >
      {text}
    </button>
  );
}

function Choices() {
  const { of } = FIGURES[shown.value];
  const choose = (label: string, to: typeof first, other: typeof first, besides?: number) => (
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
    <div class="row choices">
      <Choice
        label="Figure"
        value={shown.value}
        options={Object.entries(FIGURES).map(([value, { title }]) => ({ value, text: title }))}
        onChoose={(id) => {
          shown.value = id as FigureId;
        }}
      />
      {of !== "all" && choose("Adapter", first, second)}
      {of === "two" && choose("with", second, first, first.value)}
    </div>
  );
}
