/** The flag for a camelCase name: outputReweight becomes output-reweight. */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
