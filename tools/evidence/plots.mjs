/** The plots of docs/evidence.md and docs/evidence-real.md, as SVG that is readable on light and dark pages. */

/** Okabe and Ito's palette, which colour-blind readers can tell apart. */
const COLORS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9"];
const WIDTH = 720;

/** @returns SVG texts by the names of their files; only of studies that were measured */
export function evidencePlots(found) {
  const plots = {};
  const methods = found["methods-llama-all"];
  if (methods !== undefined) {
    const merges = methods.merges.filter(({ rank }) => rank === 6);
    const rows = merges.map(({ name, plain, searched }) => [name, plain.seen, (searched ?? plain).seen]);
    plots["evidence-methods.svg"] = methodDots("What each method keeps at rank 6", methods, "with the factor", rows);
  }
  const ranks = found["ranks-llama-all"];
  if (ranks !== undefined)
    plots["evidence-ranks.svg"] = lines("Accuracy on the seen tasks by rank", "rank", rankLines(ranks));
  const noise = Object.entries(found).filter(([id]) => id.startsWith("noise-"));
  if (noise.length > 1)
    plots["evidence-noise.svg"] = lines("Accuracy on the seen tasks by noise", "noise, RMS", noiseLines(noise));
  return plots;
}

/** What each method keeps of a set. @param given the merges without a factor, of which `auto` is none @param computed those with `--scale auto` */
export function computedPlot(title, given, computed) {
  const rows = computed.merges.map(({ name, plain }) => {
    const without = given.merges.find((merge) => merge.name === name) ?? { plain };
    return [name, without.plain.seen, plain.seen];
  });
  return methodDots(title, given, "with --scale auto", rows);
}

/**
 * One row for each method: hollow as merged, full with a factor; dashed lines for the bounds.
 *
 * @param how how the factor was found @param merges name, share as merged and with the factor
 */
function methodDots(title, result, how, merges) {
  const [left, row, top] = [170, 20, 46];
  const sorted = merges.toSorted((p, q) => q[2] - p[2]);
  const bounds = ["base", "ensemble", "own"].map((name) => [name, result[name].seen]);
  const low = Math.min(...merges.flatMap(([, plain, best]) => [plain, best]), result.base.seen);
  const high = Math.max(...merges.map(([, , best]) => best), ...bounds.map(([, share]) => share));
  const x = (share) => left + ((share - low) / (high - low)) * (WIDTH - left - 60);
  const height = top + sorted.length * row + 10;
  const rules = bounds.map(
    ([name, share], i) =>
      `<line x1="${at(x(share))}" x2="${at(x(share))}" y1="${top - 8}" y2="${height - 10}" stroke="#888" stroke-dasharray="4 3"/><text x="${at(x(share))}" y="${i === 1 ? 14 : 30}" text-anchor="middle">${name} ${percent(share)}</text>`,
  );
  const rows = sorted.map(([name, plain, best], i) => {
    const y = top + 6 + i * row;
    const fill = name.startsWith("lego") ? COLORS[4] : COLORS[0];
    const [one, other] = [x(plain), x(best)].map(at);
    return `<text x="0" y="${y + 4}">${name}</text><line x1="${one}" x2="${other}" y1="${y}" y2="${y}" stroke="${fill}"/><circle cx="${one}" cy="${y}" r="4" fill="none" stroke="${fill}" stroke-width="1.5"/><circle cx="${other}" cy="${y}" r="5" fill="${fill}"><title>${name}: ${percent(plain)} as merged, ${percent(best)} ${how}</title></circle>`;
  });
  return svg(height, title, [...rules, ...rows]);
}

function rankLines({ merges }) {
  return [...new Set(merges.map(({ name }) => name))].map((name) => ({
    name,
    points: merges.filter((merge) => merge.name === name).map(({ rank, plain }) => [rank, plain.seen]),
  }));
}

function noiseLines(studies) {
  const sorted = studies
    .map(([id, { merges }]) => [Number(id.slice("noise-".length)), merges])
    .sort(([p], [q]) => p - q);
  return sorted[0][1].map(({ name }) => ({
    name,
    points: sorted.map(([sigma, merges]) => {
      const { plain, searched } = merges.find((merge) => merge.name === name);
      return [sigma, (searched ?? plain).seen];
    }),
  }));
}

function lines(title, axis, series) {
  const [left, top, height] = [50, 10, 240];
  const all = series.flatMap(({ points }) => points);
  const [least, most] = [Math.min(...all.map(([p]) => p)), Math.max(...all.map(([p]) => p))];
  const [low, high] = [Math.floor(10 * Math.min(...all.map(([, q]) => q))) / 10, 1];
  const x = (value) => left + ((value - least) / (most - least)) * (WIDTH - left - 20);
  const y = (share) => top + ((high - share) / (high - low)) * height;
  const grid = Array.from({ length: Math.round((high - low) * 10) + 1 }, (_, i) => high - i / 10).map(
    (share) =>
      `<line x1="${left}" x2="${WIDTH - 20}" y1="${at(y(share))}" y2="${at(y(share))}" stroke="#8886"/><text x="0" y="${at(y(share) + 4)}">${percent(share)}</text>`,
  );
  const ticks = [...new Set(all.map(([value]) => value))].map(
    (value) => `<text x="${at(x(value))}" y="${top + height + 18}" text-anchor="middle">${value}</text>`,
  );
  const label = `<text x="${WIDTH / 2}" y="${top + height + 36}" text-anchor="middle">${axis}</text>`;
  const drawn = series.map(({ name, points }, i) => {
    const color = COLORS[i % COLORS.length];
    const path = points.map(([value, share]) => `${at(x(value))},${at(y(share))}`);
    const marks = path.map((point) => `<g transform="translate(${point})">${mark(i, color)}</g>`).join("");
    const key = top + height + 58;
    const from = left + (i * (WIDTH - left)) / series.length;
    return `<polyline points="${path.join(" ")}" fill="none" stroke="${color}" stroke-width="2"/>${marks}<g transform="translate(${at(from)},${key})">${mark(i, color)}</g><text x="${at(from + 12)}" y="${key + 4}">${name}</text>`;
  });
  return svg(top + height + 72, title, [...grid, ...ticks, label, ...drawn]);
}

/** Circle, square, triangle or diamond, in turn. */
function mark(index, color) {
  const shapes = ["M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0", "M-4-4h8v8h-8z", "M0-5l5 9h-10z", "M0-5l5 5-5 5-5-5z"];
  return `<path d="${shapes[index % shapes.length]}" fill="${color}"/>`;
}

function svg(height, title, parts) {
  const style = "text{font:12px system-ui,sans-serif;fill:#222}@media(prefers-color-scheme:dark){text{fill:#ddd}}";
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" role="img" aria-label="${title}"><style>${style}</style>${parts.join("")}</svg>\n`;
}

const at = (value) => value.toFixed(1);
const percent = (share) => `${(100 * share).toFixed(1)}%`;
