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

/** Save a chart as a picture, with the page's colours and background. */
export async function saveChart(
  chart: SVGSVGElement | HTMLTableElement,
  title: string,
  type: "svg" | "png",
  marks: readonly DrawnMark[],
): Promise<void> {
  const svg = chart instanceof SVGSVGElement ? pictureOf(chart) : pictureOfTable(chart);
  svg.append(...marks.map(markElement));
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

/** A table drawn as it looks: its cells' backgrounds and texts. */
function pictureOfTable(table: HTMLTableElement): SVGElement {
  const all = table.getBoundingClientRect();
  const svg = sheet(all.width, all.height, `0 0 ${all.width} ${all.height}`);
  for (const cell of table.querySelectorAll("th, td")) {
    const drawn = cell.querySelector(".cell") ?? cell;
    const { left, top, width, height } = drawn.getBoundingClientRect();
    const style = getComputedStyle(drawn);
    const [x, y] = [left - all.left, top - all.top];
    svg.append(
      element("rect", {
        x,
        y,
        width,
        height,
        rx: Number.parseFloat(style.borderRadius) || 0,
        fill: style.backgroundColor,
      }),
      element(
        "text",
        {
          x: x + width / 2,
          y: y + height / 2,
          "text-anchor": "middle",
          "dominant-baseline": "central",
          "font-family": style.fontFamily,
          "font-size": style.fontSize,
          "font-weight": style.fontWeight,
          fill: style.color,
        },
        drawn.textContent ?? "",
      ),
    );
  }
  return svg;
}
