import { escapeHtml, htmlTable } from "../core/html.ts";
import { figure } from "../core/shown.ts";
import { WRITTEN } from "../core/written.ts";
import type { Comparison } from "./compare.ts";
import { compositionBars, cosineDots, heatMap, label, spectraLines } from "./compare-plots.ts";
import { figuresTable, MEASURED_LINES, refusalsByReason } from "./figures-table.ts";

/** A comparison as one self-contained HTML page: figures as a table and as SVG plots. */
export function comparePage(comparison: Comparison): string {
  return `<!doctype html>
${WRITTEN}
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Merge methods compared</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #1a1a1a; background: #fff; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.2rem 0.7rem; text-align: right; border-bottom: 1px solid #ddd; }
td { white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
svg { max-width: 100%; height: auto; } svg text { font: 12px system-ui, sans-serif; fill: currentColor; }
.scroll { overflow-x: auto; }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #181818; } th, td { border-color: #444; } }
</style>
<h1>Merge methods compared</h1>
<p>${comparison.adapters.map(escapeHtml).join(", ")}</p>
<div class="scroll">${shownFigures(comparison)}</div>
<p>Best measured first. Measured is ${escapeHtml(MEASURED_LINES.join(" "))}.</p>
${refusals(comparison)}
<h2>What each merge keeps of each adapter</h2>
<p>Cosine of the merged delta with each adapter's delta; 1 means the same direction, 0 unrelated. It shows which adapters weigh more; a higher one is not better.</p>
${cosineDots(comparison)}
<h2>Similarity of the adapters</h2>
<p>Cosine of each pair of adapters' deltas.</p>
${heatMap(comparison)}
<h2>Singular spectra</h2>
<p>Singular values of the deltas relative to the largest, mean over the modules: how many directions a merge uses, compared with the adapters (dotted).</p>
${spectraLines(comparison)}
${spectraTable(comparison)}
${compositionBars(comparison)}
</html>
`;
}

function shownFigures(comparison: Comparison): string {
  const { head, rows } = figuresTable(comparison);
  return htmlTable(
    head,
    rows.map((row) => row.map(String)),
  );
}

/** The values behind the plot of spectra, collapsed. */
function spectraTable({ adapters, spectra, merges }: Comparison): string {
  const lines = [
    ...adapters.map((name, t) => [name, spectra[t]!] as const),
    ...merges.map((merge) => [label(merge), merge.spectrum] as const),
  ];
  const most = Math.max(0, ...lines.map(([, values]) => values.length));
  const ranks = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64].filter((rank) => rank <= most);
  const rows = lines.map(([name, values]) => [name, ...ranks.map((rank) => figure(values[rank - 1] ?? 0))]);
  const made = htmlTable(["", ...ranks.map((rank) => `value ${rank}`)], rows);
  return `<details><summary>Values</summary><div class="scroll">${made}</div></details>`;
}

function refusals(comparison: Comparison): string {
  if (comparison.refused.length === 0) return "";
  const items = refusalsByReason(comparison).map(
    ({ methods, reason }) => `<li><b>${escapeHtml(methods)}</b>: ${escapeHtml(reason)}</li>`,
  );
  return `<h2>Left out</h2><ul>${items.join("")}</ul>`;
}
