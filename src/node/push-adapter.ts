import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { MERGED_VARIANTS, refuseVariants } from "../adapter/variants.ts";
import { RefusedError, RemoteError, UsageError } from "../core/errors.ts";
import { boundedFetch } from "../remote/bounded-fetch.ts";
import { parseRepository } from "../remote/hub/hub-path.ts";
import { type Call, checkCall } from "./call/check-call.ts";
import { PATH, SETTINGS, SWITCH, TEXT } from "./call/rules.ts";
import { refuseForeignFile } from "./files/own-file.ts";
import { diskAdapter } from "./input/adapter-path.ts";
import { type HubSettings, hubSettings } from "./remote/hub-settings.ts";

/** How to push. */
export interface PushOptions {
  /** Whether a new repository is private. Without it no repository is created: its owner must decide who may see it. */
  readonly private?: boolean;
  readonly settings?: HubSettings;
}

const PUSH: Call<PushOptions> = {
  name: "pushAdapter",
  takes: { folder: PATH, to: TEXT },
  options: { private: SWITCH, settings: SETTINGS },
};

/** What was uploaded. */
export interface Pushed {
  readonly url: string;
  readonly files: readonly string[];
}

/**
 * Upload an adapter's folder to a model repository on the Hub as one commit; the repository is created if it does not exist. Only regular
 * files directly in the folder are uploaded.
 *
 * @param to owner/name, or hf://owner/name
 * @throws UsageError for what is not an adapter or repository name, and if a repository must be created but `private` is not given;
 * RefusedError for a link out of the folder, and for a repository whose visibility contradicts `private`; RemoteError when the upload fails
 * @example
 * ```ts
 * import { mergeToFolder, pushAdapter } from "lora-lego/node";
 *
 * // With HF_TOKEN set to a token that may write.
 * await mergeToFolder(["adapters/reverse", "adapters/sort"], {}, { out: "to-push" });
 * const { files } = await pushAdapter("to-push", "me/merged", { private: true });
 * console.log(files.length); // 4
 * ```
 */
export async function pushAdapter(folder: string, to: string, options: PushOptions = {}): Promise<Pushed> {
  checkCall(PUSH, [folder, to, options]);
  const settings = options.settings ?? hubSettings();
  const repo = parseRepository(to);
  if (settings.token === null) {
    throw new RemoteError(
      `Uploading to ${repo} needs a token that may write; set HF_TOKEN to one from ${settings.endpoint}/settings/tokens.`,
    );
  }
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw new UsageError(`There is no folder ${folder}; pass the folder of an adapter.`);
  }
  const { adapter, close } = await diskAdapter(folder, {});
  close();
  refuseVariants(adapter, MERGED_VARIANTS);
  const files = filesToPush(folder);
  const { createRepo, uploadFiles, HubApiError } = await import("@huggingface/hub");
  const common = {
    repo: { type: "model", name: repo },
    accessToken: settings.token,
    hubUrl: settings.endpoint,
    fetch: boundedFetch(settings, repo),
  } as const;
  const refused = (error: unknown): never => {
    if (error instanceof RemoteError) throw error;
    if (!(error instanceof HubApiError))
      throw new RemoteError(
        `${repo}: ${settings.endpoint} cannot be reached (${reasonOf(error)}); check the connection and try again.`,
      );
    throw refusal(repo, error.statusCode, error.message);
  };
  const there = await visibilityOf(common.fetch, settings, repo).catch(refused);
  if (there === null && options.private === undefined) {
    throw new UsageError(`${repo} is not on the Hub yet; pass --public or --private to create it.`);
  }
  if (there !== null && options.private !== undefined && there.private === !options.private) {
    const [is, flag] = there.private ? ["private", "--public"] : ["public", "--private"];
    throw new RefusedError(`${repo} exists and is ${is}; change that on the Hub, or push without ${flag}.`);
  }
  if (there === null) {
    await createRepo({ ...common, visibility: options.private ? "private" : "public" }).catch((error: unknown) => {
      // 409: the repository was created meanwhile.
      if (!(error instanceof HubApiError && error.statusCode === 409)) refused(error);
    });
  }
  await uploadFiles({
    ...common,
    files: files.map((file) => pathToFileURL(resolve(folder, file))),
    commitTitle: `Upload ${basename(resolve(folder))} with lora-lego`,
    // Every Hub and mirror supports LFS.
    useXet: false,
  }).catch(refused);
  return { url: `${settings.endpoint}/${repo}`, files };
}

/** Names of the regular files to upload. @throws RefusedError for a link out of the folder */
function filesToPush(folder: string): string[] {
  const names = readdirSync(folder).filter((file) => !file.startsWith("."));
  const files = names.filter((file) => statSync(join(folder, file)).isFile());
  for (const file of files) refuseForeignFile(folder, file, basename(resolve(folder)));
  return files;
}

/** Whether a repository is private, if the Hub says so; null if this token can see no such repository. */
async function visibilityOf(
  fetch: HubSettings["fetch"],
  { endpoint, token }: HubSettings,
  repo: string,
): Promise<{ readonly private?: unknown } | null> {
  const url = `${endpoint}/api/models/${repo}/revision/main`;
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  if (response.status === 404) {
    await response.body?.cancel();
    return response.headers.get("x-error-code") === "RevisionNotFound" ? {} : null;
  }
  if (response.ok) return (await response.json()) as { private?: unknown };
  await response.body?.cancel();
  throw refusal(repo, response.status, `status ${response.status}`);
}

/** What the Hub's refusal of an upload means. */
function refusal(repo: string, status: number, message: string): RemoteError {
  const why =
    status === 401 || status === 403 ? "this HF_TOKEN may not write there; use one with write access" : message;
  return new RemoteError(`${repo}: the Hub refuses the upload with status ${status}: ${why}.`);
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? ((cause as { code?: string }).code ?? cause.message) : String(cause);
}
