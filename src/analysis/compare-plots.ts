import { escapeHtml } from "../core/html.ts";
import { figure } from "../core/shown.ts";
import type { ComparedMerge, Comparison } from "./compare.ts";

/** Okabe and Ito's palette, which colour-blind readers can distinguish. */
const PALETTE = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999"];
const WIDTH = 640;
const ROW = 22;

/** Cosines from -1 to 1: a row of dots for each merge, one dot for each adapter. */
export function cosineDots({ adapters, merges }: Comparison): string {
  const left = 180;
  const x = (cosine: number): number => left + ((cosine + 1) / 2) * (WIDTH - left - 20);
  const rows = merges.map((merge, y) => {
    const middle = 30 + y * ROW;
    const dots = merge.cosines.map((cosine, t) =>
      cosine === null
        ? ""
        : `<circle cx="${x(cosine).toFixed(1)}" cy="${middle}" r="5" fill="${color(t)}"><title>${escapeHtml(adapters[t]!)} ${figure(cosine)}</title></circle>`,
    );
    return `<text x="0" y="${middle + 4}">${escapeHtml(label(merge))}</text><line x1="${left}" x2="${WIDTH - 20}" y1="${middle}" y2="${middle}" stroke="#8884"/>${dots.join("")}`;
  });
  const ticks = [-1, -0.5, 0, 0.5, 1].map((tick) => `<text x="${x(tick) - 8}" y="14">${tick}</text>`);
  const top = 40 + merges.length * ROW;
  const legend = adapters.map(
    (name, t) =>
      `<circle cx="${left + 6}" cy="${top + t * ROW}" r="5" fill="${color(t)}"/><text x="${left + 18}" y="${top + 4 + t * ROW}">${escapeHtml(name)}</text>`,
  );
  return svg(top + adapters.length * ROW, "Cosines of each merge with each adapter", [...ticks, ...rows, ...legend]);
}

/** The cosines between the adapters, as a grid of shaded cells. */
export function heatMap({ adapters, similarity }: Comparison): string {
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

/** After eight colours, lines differ in their dashes. Lines of adapters are dotted. */
const DASHES = ["", "9 4", "3 3", "12 3 2 3"];
const DOTTED = "1 4";
/** Singular values below this share of the largest are drawn at the bottom of the plot. */
const FLOOR = 1e-4;

/** Mean relative singular values of every adapter and merge on a logarithmic scale; each line has its own colour, dashes and mark. */
export function spectraLines({ adapters, spectra, merges }: Comparison): string {
  const lines = [
    ...adapters.map((name, t) => ({ name, values: spectra[t]!, dash: DOTTED, color: color(t) })),
    ...merges.map((merge, m) => {
      const dash = DASHES[Math.floor(m / PALETTE.length) % DASHES.length]!;
      return { name: label(merge), values: merge.spectrum, dash, color: color(m) };
    }),
  ].filter(({ values }) => values.length > 0);
  if (lines.length === 0) return "";
  const [left, top, height] = [46, 10, 260];
  const most = Math.max(...lines.map(({ values }) => values.length));
  const x = (j: number): number => left + (j / Math.max(1, most - 1)) * (WIDTH - left - 20);
  const y = (value: number): number => top + (Math.log10(Math.max(value, FLOOR)) / Math.log10(FLOOR)) * height;
  const grid = [1, 0.1, 0.01, 0.001, FLOOR].map(
    (value) =>
      `<line x1="${left}" x2="${WIDTH - 20}" y1="${y(value)}" y2="${y(value)}" stroke="#8884"/><text x="0" y="${y(value) + 4}">${value}</text>`,
  );
  const ends = [0, most - 1].map((j) => `<text x="${x(j) - 4}" y="${top + height + 18}">${j + 1}</text>`);
  const key = top + height + 44;
  const drawn = lines.map(({ name, values, dash, color: stroke }, i) => {
    const style = `fill="none" stroke="${stroke}" stroke-width="2"${dash === "" ? "" : ` stroke-dasharray="${dash}"`}`;
    const points = values.map((value, j) => `${x(j).toFixed(1)},${y(value).toFixed(1)}`);
    const marks = points.map((point) => mark(i, point, stroke)).join("");
    const at = key + Math.floor(i / 2) * ROW;
    const from = i % 2 === 0 ? 0 : WIDTH / 2;
    const sample = `<line x1="${from}" x2="${from + 34}" y1="${at - 4}" y2="${at - 4}" ${style}/>${mark(i, `${from + 17},${at - 4}`, stroke)}`;
    return `<polyline points="${points.join(" ")}" ${style}><title>${escapeHtml(name)}</title></polyline>${marks}${sample}<text x="${from + 42}" y="${at}">${escapeHtml(name)}</text>`;
  });
  const rows = Math.ceil(lines.length / 2);
  return svg(key + rows * ROW, "Mean relative singular values of adapters and merges", [...grid, ...ends, ...drawn]);
}

/** A small mark at a point: circle, square, triangle or cross, in turn. */
function mark(index: number, point: string, fill: string): string {
  const [x, y] = point.split(",").map(Number) as [number, number];
  const paths = [
    `M${x - 3} ${y}a3 3 0 1 0 6 0a3 3 0 1 0 -6 0`,
    `M${x - 3} ${y - 3}h6v6h-6z`,
    `M${x} ${y - 4}l4 7h-8z`,
    `M${x - 3} ${y - 1}h2v-2h2v2h2v2h-2v2h-2v-2h-2z`,
  ];
  return `<path d="${paths[index % paths.length]}" fill="${fill}"/>`;
}

/** For each method that clusters, how many of its clusters draw from one, two, three... adapters. */
export function compositionBars({ merges }: Comparison): string {
  const clustering = merges.filter(({ composition }) => composition.length > 0);
  if (clustering.length === 0) return "";
  const left = 180;
  const rows = clustering.map((merge, y) => {
    const total = merge.composition.reduce((sum, [, clusters]) => sum + clusters, 0);
    let x = left;
    const bars = merge.composition.map(([from, clusters], i) => {
      const width = (clusters / total) * (WIDTH - left);
      const what = from === 0 ? "units not merged" : from === 1 ? "units of one adapter" : `units of ${from} adapters`;
      const bar = `<rect x="${x.toFixed(1)}" y="${10 + y * 30}" width="${width.toFixed(1)}" height="20" fill="${color(i)}"><title>${what}: ${clusters} clusters</title></rect>${width > 120 ? `<text x="${(x + 4).toFixed(1)}" y="${25 + y * 30}" style="fill:#000">${what}: ${clusters}</text>` : ""}`;
      x += width;
      return bar;
    });
    return `<text x="0" y="${25 + y * 30}">${escapeHtml(label(merge))}</text>${bars.join("")}`;
  });
  return `<h2>What the clusters are made of</h2>${svg(20 + clustering.length * 30, "Clusters by the adapters that they draw from", rows)}`;
}

function svg(height: number, title: string, parts: readonly string[]): string {
  return `<svg viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" role="img" aria-label="${title}">${parts.join("")}</svg>`;
}

/** The name of a merge in plots and tables. */
export function label({ method, rank }: ComparedMerge): string {
  return `${method}, rank ${rank}`;
}

function color(index: number): string {
  return PALETTE[index % PALETTE.length]!;
}
