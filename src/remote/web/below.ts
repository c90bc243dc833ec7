/**
 * Whether an address is that of a folder or below it: the same scheme, host and port, and its path at a boundary.
 *
 * @param address ways up are resolved; one with an encoded slash is below nothing, because servers differ in what they take it for
 */
export function isBelow(address: string, folder: string): boolean {
  const [inner, outer] = [new URL(address), new URL(folder)];
  const path = outer.pathname.replace(/\/*$/, "/");
  return inner.origin === outer.origin && `${inner.pathname}/`.startsWith(path) && !/%2f|%5c|%00/i.test(inner.pathname);
}
