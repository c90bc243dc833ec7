/** Names of adapters for a table: files without their ending, unless two would be called the same. */
export function stems(names: readonly string[]): string[] {
  const short = names.map((name) => name.replace(/\.(?:safetensors|gguf|bin|pth?)$/, ""));
  return names.map((name, t) => (short.indexOf(short[t]!) === short.lastIndexOf(short[t]!) ? short[t]! : name));
}
