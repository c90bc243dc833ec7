import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { refuseVariants } from "../adapter/variants.ts";
import { HubError, UsageError } from "../core/errors.ts";
import { boundedFetch } from "../hub/bounded-fetch.ts";
import { hubName, parseHubPath } from "../hub/hub-path.ts";
import { openAdapterPath } from "./adapter-path.ts";
import { type HubSettings, hubSettings } from "./hub-settings.ts";

/** How to push. */
export interface PushOptions {
  /** Make the repository private where it is made. Default false. */
  readonly private?: boolean;
  readonly settings?: HubSettings;
}

/** What was uploaded. */
export interface Pushed {
  readonly url: string;
  readonly files: readonly string[];
}

/**
 * Upload an adapter's folder to a model repository on the Hub, made if it is not there, as one commit. Only plain files of the folder
 * itself go up.
 *
 * @param repo owner/name
 * @throws UsageError for what is no adapter or no repository name, HubError when the Hub does not take it
 */
export async function pushAdapter(folder: string, repo: string, options: PushOptions = {}): Promise<Pushed> {
  const settings = options.settings ?? hubSettings();
  const path = parseHubPath(`hf://${repo}`);
  if (path.subfolder !== "" || repo.includes("@")) {
    throw new UsageError(`${repo} is no name of a repository; write owner/name.`);
  }
  if (settings.token === null) {
    throw new HubError(
      `Uploading to ${repo} needs a token that may write; set HF_TOKEN to one from ${settings.endpoint}/settings/tokens.`,
    );
  }
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw new UsageError(`There is no folder ${folder}; pass the folder of an adapter.`);
  }
  const { adapter, close } = await openAdapterPath(folder);
  close();
  refuseVariants(adapter);
  const files = readdirSync(folder).filter((file) => !file.startsWith(".") && statSync(join(folder, file)).isFile());
  const { createRepo, uploadFiles, HubApiError } = await import("@huggingface/hub");
  const common = {
    repo: { type: "model", name: repo },
    accessToken: settings.token,
    hubUrl: settings.endpoint,
    fetch: boundedFetch(settings, repo),
  } as const;
  const refused = (error: unknown): never => {
    if (error instanceof HubError) throw error;
    if (!(error instanceof HubApiError))
      throw new HubError(
        `${repo}: ${settings.endpoint} cannot be reached (${reasonOf(error)}); check the connection and try again.`,
      );
    const why =
      error.statusCode === 401 || error.statusCode === 403
        ? "this HF_TOKEN may not write there; use one with write access"
        : error.message;
    throw new HubError(`${hubName(path)}: the Hub refuses the upload with status ${error.statusCode}: ${why}.`);
  };
  await createRepo({ ...common, visibility: options.private ? "private" : "public" }).catch((error: unknown) => {
    // 409: the repository is there already.
    if (!(error instanceof HubApiError && error.statusCode === 409)) refused(error);
  });
  await uploadFiles({
    ...common,
    files: files.map((file) => pathToFileURL(resolve(folder, file))),
    commitTitle: `Upload ${basename(resolve(folder))} with lora-lego`,
    // LFS is understood by every Hub and mirror.
    useXet: false,
  }).catch(refused);
  return { url: `${settings.endpoint}/${repo}`, files };
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? ((cause as { code?: string }).code ?? cause.message) : String(cause);
}
