import { type HubAccess, hubServer } from "./hub/hub-server.ts";
import type { Server } from "./request.ts";
import type { RemoteFile } from "./url-source.ts";
import { webServer } from "./web/web-server.ts";

/** Who is asked for a file. */
export function serverOf(access: HubAccess, { name, from }: RemoteFile): Server {
  return "repo" in from ? hubServer(access, from) : webServer(access, name, from);
}
