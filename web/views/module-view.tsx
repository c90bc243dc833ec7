import { figure } from "../../src/core/shown.ts";
import { LEGO_PARAMETERS, type LegoOptions, PAPER } from "../../src/methods/lego/options.ts";
import { openAdapters } from "../state/adapters.ts";
import {
  clustering,
  computeLayout,
  k,
  layout,
  layoutBusy,
  moduleError,
  moduleName,
  options,
  plane,
  wantedK,
} from "../state/module.ts";
import { overview } from "../state/overview.ts";
import { Choice } from "./choice.tsx";
import { ClusterTable } from "./cluster-table.tsx";
import { Curves } from "./curves.tsx";
import { SimilarityMatrix } from "./similarity-matrix.tsx";
import { Spectra } from "./spectra.tsx";
import { UnitPlane } from "./unit-plane.tsx";

/** One module: its units, how they cluster at any k, and what comes of it. */
export function ModuleTab() {
  if (openAdapters.value.length === 0)
    return <p class="empty">Open adapters first; then choose one of their modules.</p>;
  return (
    <section aria-labelledby="module-title">
      <h2 id="module-title">{moduleName.value ?? "Choose a module"}</h2>
      <Choices />
      {openAdapters.value.some(({ weight }) => weight !== 1) && (
        <p class="hint">All adapters count equally here; their weights apply when they are merged.</p>
      )}
      {moduleError.value !== null && (
        <p class="error" role="alert">
          {moduleError.value}
        </p>
      )}
      {moduleName.value !== null && moduleError.value === null && <Opened />}
    </section>
  );
}

function Opened() {
  const opened = plane.value;
  if (opened === null) return <p class="loading">Reading the units…</p>;
  if (opened.units.length === 0) return <p class="empty">All units of this module are zero: nothing merges here.</p>;
  return (
    <>
      <Slider most={opened.units.length} />
      <div class="tiles">
        <UnitPlane plane={opened} />
        <Curves most={opened.units.length} />
        <SimilarityMatrix plane={opened} />
        <Spectra plane={opened} />
      </div>
      <ClusterTable plane={opened} />
    </>
  );
}

function Slider({ most }: { most: number }) {
  const found = clustering.value;
  return (
    <div class="slider">
      <label>
        clusters k
        <input
          type="range"
          min={1}
          max={most}
          value={k.value}
          onInput={(event) => {
            wantedK.value = event.currentTarget.valueAsNumber;
          }}
        />
      </label>
      <output aria-live="off">{k.value}</output>
      <dl class="figures">
        <Figure name="norm ratio" value={found?.normRatio ?? null} />
        <Figure name="energy" value={found?.energy ?? null} />
        <Figure name="purity" value={found?.purity.purity ?? null} />
        <Figure name="purity by chance" value={found?.purity.chance ?? null} />
        <Figure name="B's share" value={found?.shareOfB ?? null} />
      </dl>
    </div>
  );
}

function Figure({ name, value }: { name: string; value: number | null }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value === null ? "–" : figure(value)}</dd>
    </div>
  );
}

const { gauge: GAUGES, sign: SIGNS } = LEGO_PARAMETERS;
/** The metrics for which the plane shows how units are grouped. */
const METRICS: readonly LegoOptions["metric"][] = ["euclidean", "cosine", "transport"];

function Choices() {
  const choose = <Name extends "gauge" | "sign" | "metric">(name: Name, values: readonly LegoOptions[Name][]) => (
    <Choice
      label={name}
      value={options.value[name]}
      options={values.map((value) => ({ value, text: value === PAPER[name] ? `${value} (the paper's)` : value }))}
      onChoose={(value) => {
        options.value = { ...options.value, [name]: value };
      }}
    />
  );
  return (
    <div class="row choices">
      <Choice
        label="module"
        value={moduleName.value ?? ""}
        options={[...(moduleName.value === null ? [""] : []), ...overview.value.keys()].map((name) => ({
          value: name,
          text: name || "…",
        }))}
        onChoose={(name) => {
          moduleName.value = name;
        }}
      />
      {choose("gauge", GAUGES.choices)}
      {choose("sign", SIGNS.choices)}
      {choose("metric", METRICS)}
      {plane.value !== null && plane.value.units.length > 3 && (
        <button type="button" aria-disabled={layoutBusy.value} onClick={() => toggleLayout()}>
          {layoutBusy.value ? "Laying out…" : layout.value === null ? "Lay out by UMAP" : "Back to PCA"}
        </button>
      )}
    </div>
  );
}

function toggleLayout(): void {
  if (layoutBusy.value) return;
  if (layout.value === null) void computeLayout();
  else layout.value = null;
}
