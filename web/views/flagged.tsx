/** A text whose flags stay in one line, which browsers would break after a hyphen. */
export function Flagged({ text }: { text: string }) {
  const parts = text.split(/(--[a-z][a-z-]*(?: \d+)?)/);
  return (
    <>
      {parts.map((part, i) =>
        i % 2 === 0 ? (
          part
        ) : (
          <span class="flag" key={part}>
            {part}
          </span>
        ),
      )}
    </>
  );
}
