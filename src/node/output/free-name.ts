import { existsSync } from "node:fs";

/** Gives names of outputs where nothing is yet: a path's with the first number that is free, and never the same twice. */
export function freeNames(): (path: string) => string {
  const given = new Set<string>();
  return (path) => {
    const [end] = /\.(?:safetensors|gguf)$/.exec(path) ?? [""];
    const stem = path.slice(0, path.length - end.length).replace(/\/+$/, "");
    for (let number = 2; ; number++) {
      const name = `${stem}-${number}${end}`;
      if (given.has(name) || existsSync(name)) continue;
      given.add(name);
      return name;
    }
  };
}
