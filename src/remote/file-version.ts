/** What tells the contents of one address from each other, as far as its server says. */
export interface FileVersion {
  /** Length in bytes; null if it is not said. */
  readonly size: number | null;
  /** The ETag as it was sent, with its quotes; "W/" before them if equal tags do not promise equal bytes. */
  readonly etag: string | null;
  /** When it was changed last. */
  readonly modified: string | null;
}

/** The version that an answer is of, whole or a range. */
export function versionOf({ status, headers }: Response): FileVersion {
  const total =
    status === 206 ? /\/(\d+)$/.exec(headers.get("Content-Range") ?? "")?.[1] : headers.get("Content-Length");
  return {
    size: total == null || !/^\d+$/.test(total) ? null : Number(total),
    etag: headers.get("ETag"),
    modified: headers.get("Last-Modified"),
  };
}

/** Whether equal ETags promise equal bytes. */
export function isStrong(etag: string | null): etag is string {
  return etag !== null && !etag.startsWith("W/");
}

/** Whether nothing that both say differs; with equal strong ETags, whatever else differs. */
export function isSameVersion(one: FileVersion, other: FileVersion): boolean {
  const agree = <T>(a: T | null, b: T | null): boolean => a === null || b === null || a === b;
  if (!agree(one.size, other.size) || !agree(one.etag, other.etag)) return false;
  return (isStrong(one.etag) && one.etag === other.etag) || agree(one.modified, other.modified);
}

/** Headers that ask for this version alone. */
export function conditions({ etag, modified }: FileVersion): Record<string, string> {
  if (isStrong(etag)) return { "If-Match": etag };
  return modified === null ? {} : { "If-Unmodified-Since": modified };
}
