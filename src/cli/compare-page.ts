import type { ComparedMerge, Comparison } from "../analysis/compare.ts";
import { bytes, figure } from "./table.ts";

/** Okabe and Ito's palette, which colour-blind readers can tell apart. */
const PALETTE = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999"];
const WIDTH = 640;
const ROW = 22;

/** A comparison as one HTML page that needs nothing else: figures as a table, and as plots in SVG. */
export function comparePage(comparison: Comparison): string {
  return `<!doctype html>
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
<div class="scroll">${figuresTable(comparison)}</div>
${refusals(comparison)}
<h2>What each merge keeps of each adapter</h2>
<p>Cosine of the merged delta with each adapter's delta; 1 is the same direction, 0 none of it.</p>
${cosineBars(comparison)}
<h2>Similarity of the adapters</h2>
<p>Cosine of each two adapters' deltas.</p>
${heatMap(comparison)}
${compositionBars(comparison)}
</html>
`;
}

function figuresTable({ adapters, merges }: Comparison): string {
  const head = ["method", "rank", "norm ratio", "energy", ...adapters.map((name) => `cos ${name}`)];
  const rows = merges.map((merge) => [
    merge.method,
    String(merge.rank),
    figure(merge.normRatio),
    figure(merge.energy),
    ...merge.cosines.map(figure),
    figure(merge.signConflicts),
    merge.effectiveRank.toFixed(1),
    merge.seconds.toFixed(3),
    bytes(merge.bytes),
  ]);
  const row = (cells: readonly string[], tag: string): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join("")}</tr>`;
  const titles = [...head, "sign conflicts", "effective rank", "seconds", "size"];
  return `<table><thead>${row(titles, "th")}</thead><tbody>${rows.map((cells) => row(cells, "td")).join("")}</tbody></table>`;
}

function refusals({ refused }: Comparison): string {
  if (refused.length === 0) return "";
  const items = refused.map(({ method, reason }) => `<li><b>${escapeHtml(method)}</b>: ${escapeHtml(reason)}</li>`);
  return `<h2>Left out</h2><ul>${items.join("")}</ul>`;
}

/** For each merge a row of dots, one for each adapter, from -1 to 1. */
function cosineBars({ adapters, merges }: Comparison): string {
  const left = 180;
  const x = (cosine: number): number => left + ((cosine + 1) / 2) * (WIDTH - left - 20);
  const rows = merges.map((merge, y) => {
    const middle = 30 + y * ROW;
    const dots = merge.cosines.map((cosine, t) =>
      cosine === null
        ? ""
        : `<circle cx="${x(cosine).toFixed(1)}" cy="${middle}" r="5" fill="${color(t)}"><title>${escapeHtml(adapters[t]!)} ${figure(cosine)}</title></circle>`,
    );
    return `<text x="0" y="${middle + 4}">${label(merge)}</text><line x1="${left}" x2="${WIDTH - 20}" y1="${middle}" y2="${middle}" stroke="#8884"/>${dots.join("")}`;
  });
  const ticks = [-1, -0.5, 0, 0.5, 1].map((tick) => `<text x="${x(tick) - 8}" y="14">${tick}</text>`);
  const top = 40 + merges.length * ROW;
  const legend = adapters.map(
    (name, t) =>
      `<circle cx="${left + 6}" cy="${top + t * ROW}" r="5" fill="${color(t)}"/><text x="${left + 18}" y="${top + 4 + t * ROW}">${escapeHtml(name)}</text>`,
  );
  return svg(top + adapters.length * ROW, "Cosines of each merge with each adapter", [...ticks, ...rows, ...legend]);
}

function heatMap({ adapters, similarity }: Comparison): string {
  const left = 180;
  const cell = 44;
  const cells = similarity.flatMap((row, t) =>
    row.map((cosine, u) => {
      const [x, y] = [left + u * cell, 10 + t * cell];
      const shade = cosine === null ? "#8882" : cosine >= 0 ? "#0072b2" : "#d55e00";
      const opacity = cosine === null ? 1 : Math.abs(cosine).toFixed(2);
      return `<rect x="${x}" y="${y}" width="${cell - 2}" height="${cell - 2}" fill="${shade}" fill-opacity="${opacity}" stroke="#8884"/><text x="${x + 5}" y="${y + cell / 2 + 3}"${Math.abs(cosine ?? 0) > 0.6 ? ' style="fill:#fff"' : ""}>${figure(cosine)}</text>`;
    }),
  );
  const names = adapters.map((name, t) => `<text x="0" y="${10 + t * cell + cell / 2 + 3}">${escapeHtml(name)}</text>`);
  return svg(20 + adapters.length * cell, "Cosines between the adapters", [...cells, ...names]);
}

/** For each method that clusters, how many of its clusters draw from one, two, three... adapters. */
function compositionBars({ merges }: Comparison): string {
  const clustering = merges.filter(({ composition }) => composition.length > 0);
  if (clustering.length === 0) return "";
  const left = 180;
  const rows = clustering.map((merge, y) => {
    const total = merge.composition.reduce((sum, [, clusters]) => sum + clusters, 0);
    let x = left;
    const bars = merge.composition.map(([from, clusters], i) => {
      const width = (clusters / total) * (WIDTH - left);
      const what = from === 0 ? "single units" : from === 1 ? "units of one adapter" : `units of ${from} adapters`;
      const bar = `<rect x="${x.toFixed(1)}" y="${10 + y * 30}" width="${width.toFixed(1)}" height="20" fill="${color(i)}"><title>${what}: ${clusters} clusters</title></rect>${width > 120 ? `<text x="${(x + 4).toFixed(1)}" y="${25 + y * 30}" style="fill:#000">${what}: ${clusters}</text>` : ""}`;
      x += width;
      return bar;
    });
    return `<text x="0" y="${25 + y * 30}">${label(merge)}</text>${bars.join("")}`;
  });
  return `<h2>What the clusters are made of</h2>${svg(20 + clustering.length * 30, "Clusters by the adapters that they draw from", rows)}`;
}

function svg(height: number, title: string, parts: readonly string[]): string {
  return `<svg viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" role="img" aria-label="${title}">${parts.join("")}</svg>`;
}

function label({ method, rank }: ComparedMerge): string {
  return escapeHtml(`${method}, rank ${rank}`);
}

function color(index: number): string {
  return PALETTE[index % PALETTE.length]!;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
