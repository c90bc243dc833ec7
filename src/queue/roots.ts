import { existsSync, realpathSync } from "node:fs";
import { isAbsolute } from "node:path";
import { RefusedError } from "../core/errors.ts";
import { isWithin, realPath } from "../node/files/real-path.ts";
import { refuseNothing } from "../node/files/refuse-nothing.ts";
import { type HubSettings, hubSettings } from "../node/remote/hub-settings.ts";
import { isHubPath } from "../remote/hub/hub-path.ts";
import { isBelow } from "../remote/web/below.ts";
import { isWebPath } from "../remote/web/web-path.ts";
import { secretsIn } from "../remote/web/web-secrets.ts";
import { hasPrint } from "./address-print.ts";
import { filesAt, type Place, printOf } from "./places.ts";

/** Where a worker reads: the folders whose files it also writes, and addresses. */
export class Roots {
  readonly #folders: readonly string[];
  readonly #addresses: readonly string[];
  /** How it asks servers: web servers below its addresses alone, redirects too. */
  readonly settings: HubSettings;

  /** @param roots folders that exist, and addresses of folders */
  constructor(roots: readonly string[]) {
    const folders = roots.filter((root) => !isWebPath(root));
    for (const folder of folders) refuseNothing(folder, "folder", "one that this worker may read as --root");
    this.#folders = folders.map((folder) => realpathSync(folder));
    this.#addresses = roots.filter(isWebPath);
    this.settings = { ...hubSettings(), within: this.#addresses };
  }

  /**
   * Check an input of a job: below a root with all links resolved, its files too, and with the producer's content. A server is asked
   * anew, so that what is opened next is what was checked.
   *
   * @throws RefusedError in words that follow "this worker leaves the work to others"
   */
  async check({ path, print }: Omit<Place, "stamp">): Promise<void> {
    if (isHubPath(path)) return;
    if (isWebPath(path)) return this.#checkAddress(path, print);
    this.checkPath(path);
    if (!existsSync(path)) throw new RefusedError(`There is no ${path} here; mount the folder at the same path.`);
    for (const file of filesAt(path)) this.checkPath(file);
    if ((await printOf(path)) === print) return;
    throw new RefusedError(`${path} here has another content than where the work comes from; bring the same files.`);
  }

  async #checkAddress(path: string, print: string): Promise<void> {
    const url = URL.canParse(path) ? new URL(path) : null;
    if (url === null || secretsIn(url).query !== "" || secretsIn(url).authorization !== null) {
      throw new RefusedError("An address has a query, a user or a password, which workers do not take.");
    }
    if (!this.#addresses.some((root) => isBelow(path, root))) throw this.#outside(path);
    if (await hasPrint(path, print, { settings: this.settings })) return;
    throw new RefusedError(`${path} has another content now than where the work comes from; start the command again.`);
  }

  /** @throws RefusedError for a path that is not below a root with all links resolved */
  checkPath(path: string): void {
    if (isAbsolute(path) && this.#folders.some((root) => isWithin(realPath(path), root))) return;
    throw this.#outside(path);
  }

  #outside(path: string): RefusedError {
    const roots = [...this.#folders, ...this.#addresses].join(" or ");
    return new RefusedError(`${path} is not below ${roots}; start the worker with --root for it.`);
  }
}
