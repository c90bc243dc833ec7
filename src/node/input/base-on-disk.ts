import { existsSync } from "node:fs";
import { join } from "node:path";
import { isPath } from "../../adapter/same-base.ts";
import { type BaseFacts, configFacts } from "../../analysis/base-facts.ts";
import { LoraLegoError } from "../../core/errors.ts";
import { parseModelConfig } from "../../formats/model-config.ts";
import { parseHubPath } from "../../remote/hub/hub-path.ts";
import { readText } from "../files/read-text.ts";
import { RepositoryCache } from "../remote/hub-cache.ts";
import { type HubSettings, hubSettings } from "../remote/hub-settings.ts";

/**
 * What the config.json of a base model says that an adapter names, if it is on this machine: in that folder, or in the Hub's cache at the
 * commit that was fetched last. Nothing is fetched; a file that cannot be read counts as none.
 *
 * @param named a folder, or a name on the Hub
 */
export function baseOnDisk(named: string, settings: HubSettings = hubSettings()): BaseFacts | null {
  try {
    const folder = existsSync(named) ? named : isPath(named) ? null : cachedFolder(named, settings);
    const file = folder === null ? null : join(folder, "config.json");
    if (file === null || !existsSync(file)) return null;
    return configFacts(named, parseModelConfig(readText(file), file));
  } catch (error) {
    if (error instanceof LoraLegoError || isFailedCall(error)) return null;
    throw error;
  }
}

function cachedFolder(named: string, settings: HubSettings): string | null {
  // The oldest repositories have no owner.
  const path = named.includes("/")
    ? parseHubPath(`hf://${named}`)
    : { ...parseHubPath(`hf://no-owner/${named}`), repo: named };
  const cache = new RepositoryCache(settings, path);
  const commit = cache.knownCommit();
  return commit === null ? null : cache.snapshot(commit);
}

/** Whether the operating system refused something, such as to open a file of another user. */
function isFailedCall(error: unknown): boolean {
  return error instanceof Error && "errno" in error;
}
