import { MAX_TEXT_BYTES } from "../../adapter/container.ts";
import { type AdapterFolder, fileOf } from "../../adapter/folder.ts";
import { memorySource } from "../../core/bytes.ts";
import { FormatError } from "../../core/errors.ts";
import type { HubAccess } from "../hub/hub-server.ts";
import { urlSource } from "../url-source.ts";
import type { WebListing } from "./look-up.ts";
import { webServer } from "./web-server.ts";

/** An adapter on a web server as a folder whose files are read by range: its config whole, weights on demand. */
export function streamWebAdapter({ name, from, config, weights }: WebListing, access: HubAccess): AdapterFolder {
  const files = config === null ? [weights] : [config, weights];
  return {
    name,
    files: files.map(({ file }) => file),
    folders: [],
    async open(file) {
      const found = files.find((each) => each.file === file);
      if (found === undefined) throw new FormatError(`${fileOf(name, file)} is missing; download the adapter.`);
      const { url, size, version } = found;
      const server = webServer(access, found.name, from);
      const source = urlSource(server, access, { name: found.name, url, size, from, version, sha256: null });
      // Whoever reads a config refuses one that is too long.
      if (found !== config || size > MAX_TEXT_BYTES) return source;
      const bytes = new Uint8Array(size);
      await source.read(0, bytes);
      return memorySource(source.name, bytes);
    },
  };
}
