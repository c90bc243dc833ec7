import { serving } from "../state/adapters.ts";
import { isOnDisk, missing } from "../state/page-state.ts";

/** Which adapters of a restored page only their owner can open again. */
export function MissingAdapters() {
  const names = missing.value.flatMap(({ source, name }) => {
    if (!isOnDisk(source) || serving.value) return [];
    return source.name === name ? [name] : [`${source.name} (named ${name})`];
  });
  if (names.length === 0) return null;
  return (
    <p class="note" role="status">
      A page cannot open files by itself; open these again: {names.join(", ")}.
    </p>
  );
}
