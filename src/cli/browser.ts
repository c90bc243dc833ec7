import { spawn } from "node:child_process";

/** Open the user's browser; if there is none, the printed address has to do. */
export function openBrowser(url: string): void {
  const opener = openerOn(process.platform, url);
  if (opener === null) return;
  const { command, args, input } = opener;
  const child = spawn(command, args, { stdio: ["pipe", "ignore", "ignore"], detached: true }).on("error", () => {});
  child.stdin.on("error", () => {}).end(input);
  child.unref();
}

interface Opener {
  readonly command: string;
  readonly args: readonly string[];
  /** Text for its standard input. */
  readonly input: string;
}

/**
 * What opens an address in a browser; null where it could not be kept from other users. All users of a Linux machine see a program's
 * arguments, and the server tells whose program asks; of macOS they do too, so that the address is not among them; on Windows only the
 * The program that opens an address in a browser; null where the address could not be kept from other users. On Linux all users see a
 * program's arguments, but the server checks whose program asks. On macOS they see them too, so the address goes to standard input. On
 * Windows only the user and administrators see them.
 */
export function openerOn(platform: NodeJS.Platform, url: string): Opener | null {
  if (platform === "darwin") return { command: "osascript", args: [], input: `open location "${url}"\n` };
  if (platform === "win32") return { command: "cmd", args: ["/c", "start", "", url], input: "" };
  return platform === "linux" ? { command: "xdg-open", args: [url], input: "" } : null;
}
