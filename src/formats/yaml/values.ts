import type { Alias, Node, Pair, ParsedNode, Scalar, YAMLMap } from "yaml";
import { type FailAt, MAX_YAML_DEPTH, MAX_YAML_LENGTH } from "./tokens.ts";

/** A value, with its size when written out. */
interface Made {
  readonly data: unknown;
  /** Number of values, plus the characters of their text. */
  readonly size: number;
  /** Levels of nested lists and maps. */
  readonly height: number;
}

/** What an anchor names: its node and its value, null until that is complete. */
interface Anchored {
  readonly node: Node;
  made: Made | null;
}

/**
 * Turns the nodes of one document into plain data: lists, maps without `__proto__` tricks, and scalars. An alias means the same value
 * again; its size when written out is counted before anything walks over it.
 */
export class Values {
  readonly #yaml: typeof import("yaml");
  readonly #fail: FailAt;
  readonly #anchors = new Map<string, Anchored>();
  readonly #targets = new Map<Alias, Node>();
  /** Size of everything made so far. */
  #size = 0;

  constructor(yaml: typeof import("yaml"), fail: FailAt) {
    this.#yaml = yaml;
    this.#fail = fail;
  }

  /** The data of a document's root. */
  make(root: ParsedNode | null): unknown {
    return root === null ? null : this.#value(root, 0).data;
  }

  /** The node that an alias stands for, once the document's data is made; other nodes are returned as they are. */
  target(node: unknown): unknown {
    return this.#yaml.isAlias(node) ? this.#targets.get(node) : node;
  }

  #value(node: Node, depth: number): Made {
    if (this.#yaml.isAlias(node)) return this.#aliased(node, depth);
    const anchored: Anchored = { node, made: null };
    const { anchor } = node as Scalar;
    if (anchor !== undefined) this.#anchors.set(anchor, anchored);
    anchored.made = this.#own(node, depth);
    return anchored.made;
  }

  #own(node: Node, depth: number): Made {
    const { isMap, isSeq } = this.#yaml;
    const before = this.#size;
    this.#size += 1;
    if (isMap(node)) {
      const [data, height] = this.#map(node, depth);
      return { data, size: this.#size - before, height };
    }
    if (isSeq(node)) {
      const items = node.items.map((item) => this.#value(item as Node, depth + 1));
      return { data: items.map(({ data }) => data), size: this.#size - before, height: heightOver(items) };
    }
    const { value } = node as Scalar;
    if (typeof value === "string") this.#size += value.length;
    return { data: value, size: this.#size - before, height: 0 };
  }

  #aliased(alias: Alias, depth: number): Made {
    const anchored = this.#anchors.get(alias.source);
    if (anchored === undefined) {
      return this.#fail(offsetOf(alias), `there is no anchor &${alias.source} before this alias; define it above`);
    }
    const { made, node } = anchored;
    if (made === null) {
      const why = `*${alias.source} is inside its own anchor, which would never end; write the values out`;
      return this.#fail(offsetOf(alias), why);
    }
    if (depth + made.height > MAX_YAML_DEPTH) {
      this.#fail(
        offsetOf(alias),
        `lists and maps are nested deeper than ${MAX_YAML_DEPTH} by this alias; flatten them`,
      );
    }
    this.#targets.set(alias, node);
    this.#size += made.size;
    // Without aliases, the size is bounded by the text's length.
    if (this.#size > MAX_YAML_LENGTH) {
      const why = `with its aliases written out, the YAML is longer than ${MAX_YAML_LENGTH} characters up to here`;
      this.#fail(offsetOf(alias), `${why}; use fewer aliases`);
    }
    return made;
  }

  /** @returns the map as an object, and its height */
  #map({ items }: YAMLMap, depth: number): [data: object, height: number] {
    const own = new Map<string, unknown>();
    const merged = new Map<string, unknown>();
    const values: Made[] = [];
    for (const { key, value } of items as Pair<Node, Node | null>[]) {
      const name = keyOf(key);
      this.#size += name.length;
      const made = value === null ? EMPTY : this.#value(value, depth + 1);
      values.push(made);
      if (isMergeKey(key)) {
        for (const [each, data] of this.#mergeSources(value ?? key, made.data)) {
          if (!merged.has(each)) merged.set(each, data);
        }
        continue;
      }
      if (own.has(name))
        this.#fail(offsetOf(key), `the key ${JSON.stringify(name)} occurs twice in one map; remove one`);
      own.set(name, made.data);
    }
    // Own keys override those of merged maps; Object.fromEntries treats all as plain keys, even __proto__.
    return [Object.fromEntries([...merged, ...own]), heightOver(values)];
  }

  /** The entries that `<<` brings in, from one map or from several; earlier maps win. */
  #mergeSources(node: Node, data: unknown): [string, unknown][] {
    const maps: unknown[] = Array.isArray(data) ? data : [data];
    return maps.flatMap((map) => {
      if (typeof map === "object" && map !== null && !Array.isArray(map)) return Object.entries(map);
      return this.#fail(offsetOf(node), "<< takes a map, an alias of one, or a list of those; correct it");
    });
  }
}

const EMPTY: Made = { data: null, size: 0, height: 0 };

function heightOver(values: readonly Made[]): number {
  return values.reduce((most, { height }) => Math.max(most, height), 0) + 1;
}

/** A key's name; keys are scalars, since `checkedTokens` refused all others. */
export function keyOf(key: unknown): string {
  return String((key as Scalar).value ?? "");
}

function isMergeKey(key: unknown): boolean {
  const { value, type } = key as Scalar;
  return value === "<<" && type === "PLAIN";
}

function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}
