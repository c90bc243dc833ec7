import { colorOf, shapeOf } from "./palette.tsx";

/** How a mark is drawn: as it is, under the pointer, or chosen. */
export type Look = "plain" | "hovered" | "chosen";

/** A mark in device pixels around its middle: RGBA, not premultiplied; `size` is its side and even. */
interface Stamp {
  readonly size: number;
  readonly pixels: Uint32Array;
}

/** Marks are drawn at radii in steps of this many device pixels, so that magnifying a picture, which changes radii, draws few of them. */
const STEP = 0.25;
/** Half the side of what a mark with its edge covers, in radii of the mark. */
const REACH = 1.4;
/** How large a mark is, and how wide the edge around it, in radii. */
export const LOOKS: Readonly<Record<Look, { readonly size: number; readonly edge: number }>> = {
  plain: { size: 1, edge: 0.15 },
  hovered: { size: 1, edge: 0.25 },
  chosen: { size: 1.45, edge: 0.25 },
};

/** Indices of marks by how they are drawn, the ones on top last. */
export function inOrder(
  count: number,
  chosen: ReadonlySet<number>,
  hovered: number | null,
): { readonly look: Look; readonly places: readonly number[] }[] {
  const plain: number[] = [];
  for (let i = 0; i < count; i++) if (i !== hovered && !chosen.has(i)) plain.push(i);
  return [
    { look: "plain", places: plain },
    { look: "chosen", places: [...chosen] },
    { look: "hovered", places: hovered === null || chosen.has(hovered) ? [] : [hovered] },
  ];
}

/** Pixels that marks are put into, one copy of their pixels each: a fifth of the time that a canvas takes to fill as many paths. */
export class Stamps {
  /** By look and radius, then by adapter. */
  readonly #known = new Map<string, Stamp[]>();
  readonly #text: string;
  readonly #ground: string;

  /** @param text,ground colours of the edges of marks that are chosen or hovered, and of others */
  constructor(text: string, ground: string) {
    this.#text = text;
    this.#ground = ground;
  }

  /** Pictures of adapters' marks. @param radius in device pixels; the nearest step of them is drawn */
  of(look: Look, radius: number): (adapter: number) => Stamp {
    const drawn = STEP * Math.round(radius / STEP);
    const key = `${look} ${drawn}`;
    const known = this.#known.get(key) ?? [];
    this.#known.set(key, known);
    return (adapter) => {
      known[adapter] ??= this.#draw(adapter, look, drawn);
      return known[adapter];
    };
  }

  #draw(adapter: number, look: Look, radius: number): Stamp {
    const { size, edge } = LOOKS[look];
    const half = Math.ceil(radius * size * REACH);
    const canvas = new OffscreenCanvas(2 * half, 2 * half);
    const context = canvas.getContext("2d", { willReadFrequently: true })!;
    context.translate(half, half);
    context.scale(radius * size, radius * size);
    const path = new Path2D(shapeOf(adapter));
    context.fillStyle = colorOf(adapter);
    context.fill(path);
    context.lineWidth = edge;
    context.strokeStyle = look === "plain" ? this.#ground : this.#text;
    context.stroke(path);
    const { data } = context.getImageData(0, 0, 2 * half, 2 * half);
    return { size: 2 * half, pixels: new Uint32Array(data.buffer) };
  }
}

/** Put a stamp's middle at a device pixel; what lies outside of the picture is left out. */
export function putStamp(into: Uint32Array, width: number, { size, pixels }: Stamp, x: number, y: number): void {
  const height = into.length / width;
  const left = x - size / 2;
  const top = y - size / 2;
  const from = Math.max(0, -left);
  const to = Math.min(size, width - left);
  const last = Math.min(size, height - top);
  for (let row = Math.max(0, -top); row < last; row++) {
    const line = (top + row) * width + left;
    for (let j = from; j < to; j++) {
      const pixel = pixels[row * size + j]!;
      const alpha = pixel >>> 24;
      if (alpha === 0) continue;
      const below = into[line + j]!;
      into[line + j] = alpha === 255 || below === 0 ? pixel : over(pixel, alpha, below);
    }
  }
}

/** One pixel over another (Porter and Duff's "over"), not premultiplied. */
function over(pixel: number, alpha: number, below: number): number {
  const under = ((below >>> 24) * (255 - alpha)) / 255;
  const sum = alpha + under;
  const part = (shift: number): number =>
    Math.round((((pixel >>> shift) & 255) * alpha + ((below >>> shift) & 255) * under) / sum) << shift;
  return ((Math.round(sum) << 24) | part(16) | part(8) | part(0)) >>> 0;
}
