/** A name in camelCase as its flag has it: outputReweight becomes output-reweight. */
export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
