import { escapeHtml, htmlTable } from "../core/html.ts";
import { bytes, figure, percent } from "../core/shown.ts";
import { compositions } from "./compositions.ts";
import type { MergeReport } from "./report.ts";

/** A report as one self-contained HTML page. */
export function reportPage(report: MergeReport): string {
  const { totals, inputs, modules, warnings, options } = report;
  const merged = compositions(report).map((row) => row.map(String));
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Merge report</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #1a1a1a; background: #fff; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin-bottom: 1.5rem; }
th, td { padding: 0.2rem 0.7rem; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; }
.scroll { overflow-x: auto; }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #181818; } th, td { border-color: #444; } }
</style>
<h1>${escapeHtml(String(options.method))}, rank ${totals.rank}: ${totals.modules} modules, ${totals.dtype}, ${bytes(totals.bytes)}</h1>
<p>Made by ${escapeHtml(report.tool)}. Factor ${figure(Number(options.scale ?? 1))}, norm ratio ${figure(totals.normRatio)}, energy ${figure(totals.energy)}.</p>
${warnings.length === 0 ? "" : `<h2>Warnings</h2><ul>${warnings.map(({ text }) => `<li>${escapeHtml(text)}</li>`).join("")}</ul>`}
<h2>Adapters</h2>
${htmlTable(
  ["adapter", "weight", "modules", "cosine with the result", "share in it"],
  inputs.map(({ name, weight, modules: own }, t) => [
    name,
    String(weight),
    String(own),
    figure(totals.cosines[t]!),
    percent(totals.shares[t]!),
  ]),
)}
${merged.length === 0 ? "" : `<h2>What merged with what</h2>${htmlTable(["adapters", "clusters", "units"], merged)}`}
<h2>Modules</h2>
<div class="scroll">${htmlTable(
    ["module", "rank", "norm ratio", "energy", ...inputs.map(({ name }) => `cosine ${name}`)],
    modules.map(({ name, rank, normRatio, energy, cosines }) => [
      name,
      String(rank),
      ...[normRatio, energy, ...cosines].map(figure),
    ]),
  )}</div>
</html>
`;
}
