/**
 * Gives names of outputs, never the same twice: a path as it is, or with the first number that is free.
 *
 * @param isTaken whether something is at a path
 * @param first the number to begin with; 1 stands for the path without a number
 */
export function freeNamesFrom(first: 1 | 2, isTaken: (path: string) => boolean): (path: string) => string {
  const given = new Set<string>();
  return (path) => {
    const [end] = /\.(?:safetensors|gguf)$/.exec(path) ?? [""];
    const stem = path.slice(0, path.length - end.length).replace(/\/+$/, "");
    for (let number = first; ; number++) {
      const name = number === 1 ? `${stem}${end}` : `${stem}-${number}${end}`;
      if (given.has(name) || isTaken(name)) continue;
      given.add(name);
      return name;
    }
  };
}
