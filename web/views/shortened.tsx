import { isWeightsFile } from "../../src/formats/peft-folder/files.ts";

/** The last letters of a name, which stay in sight: names of one set often begin alike. */
const END = 6;

/** A name without the ending that says what kind of file it is, which tells no adapter from another. */
export function withoutEnding(name: string): string {
  return isWeightsFile(name) ? name.replace(/\.\w+$/, "") : name;
}

/** A name that loses its middle where it is too long for its place. */
export function Shortened({ name }: { name: string }) {
  const short = withoutEnding(name);
  if (short.length <= END && short === name) return <>{name}</>;
  return (
    <>
      <span class="visually-hidden">{name}</span>
      <span class="shortened" title={name} aria-hidden="true">
        <span>{short.slice(0, -END)}</span>
        <span>{short.slice(-END)}</span>
      </span>
    </>
  );
}
