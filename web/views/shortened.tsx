import { isWeightsFile } from "../../src/formats/peft-folder/files.ts";

/** The last letters of a name, which stay in sight: names of one set often begin alike. */
const END = 6;
/** The most letters of a name that is shown whole where a place does not say otherwise. */
const WHOLE = 12;

/** A name without the ending that says what kind of file it is, which tells no adapter from another. */
export function withoutEnding(name: string): string {
  return isWeightsFile(name) ? name.replace(/\.\w+$/, "") : name;
}

/** A name that loses its middle where it is too long for its place. @param narrow whether the place may be too narrow for any name */
export function Shortened({ name, narrow = false }: { name: string; narrow?: boolean }) {
  const short = withoutEnding(name);
  if (short.length <= (narrow ? END : WHOLE) && short === name) return <>{name}</>;
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
