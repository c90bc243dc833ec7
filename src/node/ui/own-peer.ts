import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { endianness } from "node:os";

/** 127.0.0.1 as /proc/net/tcp writes it, and as tcp6 does. */
const LOOPBACK = endianness() === "LE" ? "0100007F" : "7F000001";
const MAPPED = endianness() === "LE" ? "0000000000000000FFFF0000" : "00000000000000000000FFFF";

/**
 * Whether the program at the other end of a connection over 127.0.0.1 belongs to this process's user. Linux reports a socket's owner
 * (proc_pid_net(5)); on other systems every peer is accepted.
 */
export function isOwnPeer({ remoteAddress, remotePort = 0, localPort = 0 }: Socket): boolean {
  if (process.platform !== "linux") return true;
  if (remoteAddress !== "127.0.0.1") return false;
  const ends = `${LOOPBACK}:${hex(remotePort)} ${LOOPBACK}:${hex(localPort)}`;
  const mapped = ends.replaceAll(LOOPBACK, `${MAPPED}${LOOPBACK}`);
  return ownerIn("/proc/net/tcp", ends) || ownerIn("/proc/net/tcp6", mapped);
}

/** Whether a connection table lists a connection between these ends that belongs to this user. */
function ownerIn(table: string, ends: string): boolean {
  let text: string;
  try {
    text = readFileSync(table, "utf8");
  } catch {
    return false;
  }
  const line = text.split("\n").find((each) => each.includes(` ${ends} `));
  // sl, both ends, state, queues, timer, retransmissions, user
  return line !== undefined && Number(line.trim().split(/\s+/)[7]) === process.geteuid!();
}

function hex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, "0");
}
