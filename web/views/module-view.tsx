import { useEffect } from "preact/hooks";
import { LEGO_PARAMETERS, type LegoOptions, PAPER } from "../../src/methods/lego/options.ts";
import { openAdapters, openIds } from "../state/adapters.ts";
import { chooseModule, moduleError, moduleName, moduleNames, options, plane } from "../state/module.ts";
import { Choice } from "./choice.tsx";
import { ClusterTable } from "./cluster-table.tsx";
import { Curves } from "./curves.tsx";
import { KBar, KFigures } from "./k-bar.tsx";
import { SimilarityMatrix } from "./similarity-matrix.tsx";
import { UnitPlane } from "./unit-plane.tsx";

/** One module on one screen: its units, how they cluster at any k, and what comes of it. */
export function ModuleTab() {
  const ids = openIds.value;
  useEffect(() => {
    if (ids !== "") void chooseModule();
  }, [ids]);
  if (ids === "") return <p class="empty">Open adapters first; then choose one of their modules.</p>;
  const opened = plane.value;
  return (
    <section class="module" aria-labelledby="module-title">
      <h2 class="visually-hidden" id="module-title">
        {moduleName.value ?? "Choose a module"}
      </h2>
      <div class="row between">
        <Choices />
        {opened !== null && opened.units.length > 0 && <KFigures />}
      </div>
      {openAdapters.value.some(({ weight }) => weight !== 1) && (
        <p class="hint">All adapters count equally here; their weights apply when they are merged.</p>
      )}
      {moduleError.value !== null && (
        <p class="error" role="alert">
          {moduleError.value}
        </p>
      )}
      {moduleName.value !== null && moduleError.value === null && opened === null && (
        <p class="loading">Reading the units…</p>
      )}
      {opened?.units.length === 0 && <p class="empty">All units of this module are zero: nothing merges here.</p>}
      {opened !== null && opened.units.length > 0 && (
        <>
          <KBar most={opened.units.length} />
          <div class="screen">
            <UnitPlane plane={opened} />
            <div class="side">
              <Curves plane={opened} />
              <SimilarityMatrix plane={opened} />
              <ClusterTable plane={opened} />
            </div>
          </div>
        </>
      )}
    </section>
  );
}

const { gauge: GAUGES, sign: SIGNS } = LEGO_PARAMETERS;
/** The metrics for which the plane shows how units are grouped. */
const METRICS: readonly LegoOptions["metric"][] = ["euclidean", "cosine", "transport"];

/** The module, and LEGO's options, which few change. */
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
  const names = moduleNames.value;
  return (
    <div class="row">
      <Choice
        label="module"
        value={moduleName.value ?? ""}
        options={[...(moduleName.value === null ? [""] : []), ...names].map((name) => ({
          value: name,
          text: name || "…",
        }))}
        onChoose={(name) => {
          moduleName.value = name;
        }}
      />
      <details class="over options">
        <summary>LEGO's options</summary>
        <div class="stack">
          {choose("gauge", GAUGES.choices)}
          {choose("sign", SIGNS.choices)}
          {choose("metric", METRICS)}
        </div>
      </details>
    </div>
  );
}
