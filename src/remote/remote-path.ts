import { hubName, isHubPath, parseHubPath } from "./hub/hub-path.ts";
import { isWebPath, parseWebPath, webName } from "./web/web-path.ts";

/** Whether a path names something on a server, not on this machine. */
export function isRemotePath(path: string): boolean {
  return isHubPath(path) || isWebPath(path);
}

/** The name of an adapter on a server in messages, cards and reports. @throws UsageError for what is no such path */
export function remoteName(path: string): string {
  return isHubPath(path) ? hubName(parseHubPath(path)) : webName(parseWebPath(path));
}
