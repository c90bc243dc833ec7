/** The last letters of a name, which stay in sight: names of one set often begin alike. */
const END = 6;
/** The most letters of a name that is shown whole wherever there is room for a name at all. */
const WHOLE = 12;

/** A name that loses its middle where it is too long for its place. */
export function Shortened({ name }: { name: string }) {
  if (name.length <= WHOLE) return <>{name}</>;
  return (
    <>
      <span class="visually-hidden">{name}</span>
      <span class="shortened" title={name} aria-hidden="true">
        <span>{name.slice(0, -END)}</span>
        <span>{name.slice(-END)}</span>
      </span>
    </>
  );
}
