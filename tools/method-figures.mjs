/**
 * Draw what each method does with the same four units, into docs/methods/figures; a test holds the files to what this draws.
 *
 *   npm run build:library && node tools/method-figures.mjs
 *
 * One module with two inputs and two outputs, so that rows of A and columns of B are arrows in a plane. Two adapters of rank 2; the merge
 * has rank 2 too, but for methods that keep every unit. All options are the methods' own defaults.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { adapterFolder, memorySource, mergeInMemory, openAdapter } from "../build/lib/index.js";
import { METHODS } from "../build/lib/methods/registry.js";

const FOLDER = fileURLToPath(new URL("../docs/methods/figures", import.meta.url));
/** Units as row of A and column of B: the first two of each adapter point the same way, the second two cross each other. */
const ADAPTERS = [
  {
    name: "alice",
    color: "#0072b2",
    a: [
      [0.9, 0.15],
      [-0.2, 0.8],
    ],
    b: [
      [0.75, 0.35],
      [0.25, 0.8],
    ],
  },
  {
    name: "bob",
    color: "#e69f00",
    a: [
      [0.8, 0.45],
      [0.3, 0.75],
    ],
    b: [
      [0.95, 0.1],
      [-0.6, 0.55],
    ],
  },
];
const KEY = "base_model.model.layer";
const [SIDE, GAP, TOP] = [150, 24, 22];
/** Pixels of length 1 where all arrows fit; fewer where the merge has longer ones. */
const UNIT = 58;
/** Room for a number beyond an arrow's head. */
const MARGIN = 16;
/** Where arrows start: what the example has points up, mostly to the right. */
const ORIGIN = [0.42 * SIDE, TOP + 0.78 * SIDE];

/** @returns SVG texts by the ids of methods; without `auto`, which chooses one of the others */
export async function methodFigures() {
  const adapters = await Promise.all(ADAPTERS.map(opened));
  const figures = {};
  for (const { id } of METHODS) figures[id] = drawn(id, await merged(id, adapters));
  return figures;
}

/** The units of a merge at rank 2. */
async function merged(method, adapters) {
  const keepsAll = method === "cat";
  const { weights } = await mergeInMemory(adapters, {
    method,
    dtype: "f32",
    ...(!keepsAll && { target: { kind: "rank", rank: 2 } }),
  });
  return unitsOf(weights);
}

function opened({ name, a, b }) {
  const rank = a.length;
  const config = {
    peft_type: "LORA",
    r: rank,
    lora_alpha: rank,
    target_modules: ["layer"],
    base_model_name_or_path: "two",
  };
  const columns = b[0].map((_, i) => b.map((unit) => unit[i]));
  const files = {
    "adapter_config.json": memorySource("adapter_config.json", new TextEncoder().encode(JSON.stringify(config))),
    "adapter_model.safetensors": memorySource(
      "adapter_model.safetensors",
      safetensors({ [`${KEY}.lora_A.weight`]: a, [`${KEY}.lora_B.weight`]: columns }),
    ),
  };
  return openAdapter(adapterFolder(name, files));
}

function safetensors(matrices) {
  let end = 0;
  const entries = Object.entries(matrices).map(([name, rows]) => {
    const begin = end;
    end += 4 * rows.length * rows[0].length;
    return [name, { dtype: "F32", shape: [rows.length, rows[0].length], data_offsets: [begin, end] }];
  });
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const values = Float32Array.from(Object.values(matrices).flat(2));
  const length = new Uint8Array(new BigUint64Array([BigInt(header.length)]).buffer);
  return Buffer.concat([length, header, new Uint8Array(values.buffer)]);
}

/** Rows of A with columns of B; the sign that both can share is the one that agrees with the adapters. */
function unitsOf(bytes) {
  const view = Buffer.from(bytes);
  const length = Number(view.readBigUInt64LE(0));
  const header = JSON.parse(view.toString("utf8", 8, 8 + length));
  const [a, b] = ["A", "B"].map((side) => {
    const { shape, data_offsets } = header[`${KEY}.lora_${side}.weight`];
    const at = (row, column) => view.readFloatLE(8 + length + data_offsets[0] + 4 * (row * shape[1] + column));
    return Array.from({ length: shape[0] }, (_, row) =>
      Array.from({ length: shape[1] }, (_, column) => at(row, column)),
    );
  });
  return a.map((row, unit) => {
    const column = b.map((values) => values[unit]);
    const inputs = ADAPTERS.flatMap((adapter) => adapter.a.map((own, i) => dot(own, row) + dot(adapter.b[i], column)));
    const sign = inputs.reduce((sum, x) => sum + x, 0) < 0 ? -1 : 1;
    return { a: row.map((x) => sign * x), b: column.map((x) => sign * x) };
  });
}

const dot = ([x, y], [p, q]) => x * p + y * q;

/** The two planes: what the adapters have as thin arrows in their colours, what the merge has as thick ones; equal numbers belong together. */
function drawn(id, units) {
  const [width, height] = [2 * SIDE + GAP, TOP + SIDE + 24];
  const scale = scaleOf(units.flatMap(({ a, b }) => [a, b]));
  const planes = [
    ["a", "rows of A"],
    ["b", "columns of B"],
  ].map(([side, title], i) => {
    const given = ADAPTERS.flatMap((adapter) =>
      adapter[side].map((to) => arrow(scaled(to, scale), adapter.color, 1.5)),
    );
    const made = units.map((unit, number) => numbered(scaled(unit[side], scale), number + 1));
    return `<g transform="translate(${i * (SIDE + GAP)},0)"><text x="${SIDE / 2}" y="14" text-anchor="middle">${title}</text><rect y="${TOP}" width="${SIDE}" height="${SIDE}" rx="4" fill="none" stroke="#8886"/>${axes()}${given.join("")}${made.join("")}</g>`;
  });
  const keys = [...ADAPTERS.map(({ name, color }) => [name, color]), [id, "currentColor"]].map(
    ([name, color], i) =>
      `<g transform="translate(${i * 90},${TOP + SIDE + 16})"><path d="M0-4h16" stroke="${color}" stroke-width="${i < ADAPTERS.length ? 1.5 : 3}"/><text x="21">${name}</text></g>`,
  );
  const style =
    "svg{color:#222}text{font:12px system-ui,sans-serif;fill:currentColor}@media(prefers-color-scheme:dark){svg{color:#ddd}}";
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="Units of two adapters and of their merge by ${id}"><style>${style}</style>${planes.join("")}${keys.join("")}</svg>\n`;
}

function axes() {
  const [x, y] = ORIGIN;
  return `<path d="M0 ${y}h${SIDE}M${x} ${TOP}v${SIDE}" stroke="#8884"/>`;
}

/** Pixels of length 1 with which all vectors stay inside a plane. */
function scaleOf(vectors) {
  const [right, up] = [SIDE - ORIGIN[0], ORIGIN[1] - TOP];
  const rooms = vectors.flatMap(([x, y]) => [
    (x > 0 ? right - MARGIN : MARGIN - ORIGIN[0]) / x,
    (y > 0 ? up - MARGIN : MARGIN + up - SIDE) / y,
  ]);
  return Math.min(UNIT, ...rooms.filter(Number.isFinite));
}

/** A vector in pixels, from the origin. */
function scaled([x, y], scale) {
  return [scale * x, -scale * y];
}

/** From the origin, with a head; a dot where it has no length. */
function arrow([x, y], color, thickness) {
  const length = Math.hypot(x, y);
  if (length < 1) return `<circle cx="${ORIGIN[0]}" cy="${ORIGIN[1]}" r="3" fill="${color}"/>`;
  const [dx, dy] = [x / length, y / length];
  const size = Math.min(3 + 2 * thickness, length);
  const back = onPage([x - size * dx, y - size * dy]);
  const head = [1, -1].map((turn) => [back[0] - (turn * size * dy) / 2, back[1] + (turn * size * dx) / 2]);
  const points = [onPage([x, y]), ...head].map(point).join(" ");
  return `<path d="M${point(ORIGIN)}L${point(back)}" stroke="${color}" stroke-width="${thickness}"/><polygon points="${points}" fill="${color}"/>`;
}

/** An arrow of the merge, with its unit's number beyond the head. */
function numbered([x, y], number) {
  const reach = 1 + 11 / Math.max(Math.hypot(x, y), 1);
  const [textX, textY] = onPage([reach * x, reach * y]);
  return `${arrow([x, y], "currentColor", 3)}<text x="${textX.toFixed(1)}" y="${(textY + 4).toFixed(1)}" text-anchor="middle">${number}</text>`;
}

function onPage([x, y]) {
  return [ORIGIN[0] + x, ORIGIN[1] + y];
}

function point([x, y]) {
  return `${x.toFixed(1)},${y.toFixed(1)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(FOLDER, { recursive: true });
  for (const [id, figure] of Object.entries(await methodFigures())) writeFileSync(join(FOLDER, `${id}.svg`), figure);
}
