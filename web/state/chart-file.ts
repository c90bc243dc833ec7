import { save } from "./save-file.ts";

/** Style that a chart has from the page, and needs in a file of its own; the page's policy allows attributes, but no style attribute. */
const STYLE = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-opacity",
  "stroke-width",
  "stroke-dasharray",
  "stroke-linejoin",
  "vector-effect",
  "font-family",
  "font-size",
  "font-weight",
  "text-anchor",
  "visibility",
  "image-rendering",
];
/** Pixels of a picture for each of the page. */
const PNG_TIMES = 2;

/** A mark that a canvas draws over a chart. */
export interface DrawnMark {
  /** The data of its path, around the origin and in radii. */
  readonly shape: string;
  readonly fill: string;
  readonly stroke: string;
  /** In radii. */
  readonly strokeWidth: number;
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

/** A line of a chart, as a legend names it. */
export interface NamedLine {
  readonly name: string;
  /** A colour, or the name of one of the page's. */
  readonly stroke: string;
  readonly dashed: boolean;
}

/** What a picture says besides the chart: its title, whose mark is whose, what its lines are, and how colours are read. */
export interface ChartWords {
  readonly title: string;
  readonly lines: readonly NamedLine[];
  readonly adapters: readonly { readonly name: string; readonly shape: string; readonly fill: string }[];
  readonly colours: string | null;
}

/** Save a chart as a picture, with the page's colours and background. */
export async function saveChart(
  chart: SVGSVGElement | HTMLTableElement,
  words: ChartWords,
  type: "svg" | "png",
  marks: readonly DrawnMark[],
): Promise<void> {
  const drawn = chart instanceof SVGSVGElement ? pictureOf(chart) : pictureOfTable(chart);
  drawn.append(...marks.map(markElement));
  const svg = withWords(drawn, words);
  const { title } = words;
  const name = `${title.toLowerCase().replace(/[^a-z0-9]+/g, "-")}.${type}`;
  const text = new XMLSerializer().serializeToString(svg);
  if (type === "svg") return save(name, new Blob([text], { type: "image/svg+xml" }));
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = Number(svg.getAttribute("width")) * PNG_TIMES;
  canvas.height = Number(svg.getAttribute("height")) * PNG_TIMES;
  canvas.getContext("2d")!.drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  save(name, blob!);
}

const SVG = "http://www.w3.org/2000/svg";

function element(name: string, of: Readonly<Record<string, string | number>>, text?: string): SVGElement {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(of)) made.setAttribute(key, String(value));
  if (text !== undefined) made.textContent = text;
  return made;
}

/** An empty picture in the page's background. */
function sheet(width: number, height: number, viewBox: string): SVGElement {
  const svg = element("svg", { xmlns: SVG, width: Math.round(width), height: Math.round(height), viewBox });
  const [x, y, w, h] = viewBox.split(" ") as [string, string, string, string];
  svg.append(element("rect", { x, y, width: w, height: h, fill: getComputedStyle(document.body).backgroundColor }));
  return svg;
}

function markElement({ shape, fill, stroke, strokeWidth, x, y, radius }: DrawnMark): SVGElement {
  const transform = `translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${radius.toFixed(2)})`;
  return element("path", { d: shape, fill, stroke, "stroke-width": strokeWidth, transform });
}

/** A copy of a chart that looks alike without the page. */
function pictureOf(chart: SVGSVGElement): SVGElement {
  const { width, height } = chart.getBoundingClientRect();
  const copy = chart.cloneNode(true) as SVGSVGElement;
  const copies = [...copy.querySelectorAll("*")];
  for (const [i, own] of [...chart.querySelectorAll("*")].entries()) {
    const style = getComputedStyle(own);
    for (const name of STYLE) copies[i]!.setAttribute(name, style.getPropertyValue(name));
    for (const name of ["class", "style", "tabindex", "role", "aria-pressed"]) copies[i]!.removeAttribute(name);
  }
  const { x, y, width: w, height: h } = chart.viewBox.baseVal;
  const svg = sheet(width, height, `${x} ${y} ${w} ${h}`);
  svg.append(...copy.childNodes);
  return svg;
}

/** Height of a line of words, the size of their letters, and the room around them, in pixels. */
const [LINE, LETTERS, ROOM] = [20, 12, 10];
/** Width of a letter, on average, in sizes. */
const LETTER = 0.58;
/** The least width of a picture; smaller charts are drawn larger. */
const LEAST_WIDTH = 480;

/** A chart under its title, above a legend. */
function withWords(chart: SVGElement, { title, lines, adapters, colours }: ChartWords): SVGElement {
  const [own, ownHeight] = ["width", "height"].map((name) => Number(chart.getAttribute(name))) as [number, number];
  const width = Math.max(own, LEAST_WIDTH, Math.ceil(LETTERS * LETTER * title.length));
  const height = Math.round((ownHeight * width) / own);
  const style = getComputedStyle(document.body);
  const { color, fontFamily } = style;
  const said = (text: string, x: number, y: number, more: object = {}): SVGElement =>
    element("text", { x, y, fill: color, "font-family": fontFamily, "font-size": LETTERS, ...more }, text);
  const legend: SVGElement[] = [];
  let [x, y] = [ROOM, LINE + ROOM + height + LINE];
  /** A sign before its name, in the next free place. */
  const entry = (name: string, sign: (x: number, y: number) => SVGElement): void => {
    const wide = LETTERS * (LETTER * name.length + 3.4);
    if (x + wide > width && x > ROOM) [x, y] = [ROOM, y + LINE];
    legend.push(sign(x, y - LETTERS / 3), said(name, x + 1.8 * LETTERS, y));
    x += wide;
  };
  for (const { name, shape, fill } of adapters) {
    entry(name, (left, middle) => {
      const transform = `translate(${left + LETTERS / 2} ${middle}) scale(${LETTERS / 2.8})`;
      const place = element("g", { transform });
      place.append(element("path", { fill, d: shape }));
      return place;
    });
  }
  for (const { name, stroke, dashed } of lines) {
    entry(name, (left, middle) =>
      element("path", {
        ...{ d: `M${left} ${middle}h${1.5 * LETTERS}`, stroke: style.getPropertyValue(stroke) || stroke },
        ...{ "stroke-width": 1.8, ...(dashed && { "stroke-dasharray": "4 3" }) },
      }),
    );
  }
  if (colours !== null) {
    y += legend.length > 0 ? LINE : 0;
    legend.push(said(colours, ROOM, y));
  }
  const all = (legend.length > 0 ? y : LINE + ROOM + height) + ROOM;
  const svg = sheet(width + 2 * ROOM, all, `0 0 ${width + 2 * ROOM} ${all}`);
  for (const [name, value] of Object.entries({ x: ROOM, y: LINE + ROOM, width, height }))
    chart.setAttribute(name, String(value));
  svg.append(said(title, ROOM, LINE, { "font-weight": 600 }), chart, ...legend);
  return svg;
}

/** The lines of a cell's text as the page breaks them, each with its middle. */
function linesOf(cell: Element): { readonly text: string; readonly x: number; readonly y: number }[] {
  const lines = new Map<number, { text: string; left: number; right: number; y: number }>();
  const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    if (node.parentElement!.closest(".visually-hidden") !== null) continue;
    let begin = 0;
    for (const part of node.textContent!.split(/(?<=[\s\u200b])/)) {
      const range = document.createRange();
      range.setStart(node, begin);
      begin += part.length;
      range.setEnd(node, begin);
      const { left, right, top, height, width } = range.getBoundingClientRect();
      if (width === 0) continue;
      const line = lines.get(Math.round(top)) ?? { text: "", left, right, y: top + height / 2 };
      lines.set(Math.round(top), { ...line, text: line.text + part, right });
    }
  }
  return [...lines.values()].map(({ text, left, right, y }) => ({ text: text.trim(), x: (left + right) / 2, y }));
}

/** A table drawn as it looks: its cells' backgrounds, marks and texts. */
function pictureOfTable(table: HTMLTableElement): SVGElement {
  const all = table.getBoundingClientRect();
  const svg = sheet(all.width, all.height, `0 0 ${all.width} ${all.height}`);
  for (const cell of table.querySelectorAll("th, td")) {
    const drawn = cell.querySelector(".cell") ?? cell;
    const { left, top, width, height } = drawn.getBoundingClientRect();
    const { borderRadius, backgroundColor, fontFamily, fontSize, fontWeight, color } = getComputedStyle(drawn);
    const rx = Number.parseFloat(borderRadius) || 0;
    svg.append(element("rect", { x: left - all.left, y: top - all.top, width, height, rx, fill: backgroundColor }));
    for (const mark of drawn.querySelectorAll<SVGSVGElement>("svg.mark")) {
      const box = mark.getBoundingClientRect();
      const copy = mark.cloneNode(true) as SVGSVGElement;
      for (const name of ["class", "aria-hidden"]) copy.removeAttribute(name);
      copy.setAttribute("x", String(box.left - all.left));
      copy.setAttribute("y", String(box.top - all.top));
      svg.append(copy);
    }
    const font = { "font-family": fontFamily, "font-size": fontSize, "font-weight": fontWeight, fill: color };
    for (const { text, x, y } of linesOf(drawn)) {
      const place = { x: x - all.left, y: y - all.top, "text-anchor": "middle", "dominant-baseline": "central" };
      svg.append(element("text", { ...place, ...font }, text));
    }
  }
  return svg;
}
