import { fileOf } from "../../adapter/folder.ts";
import { RemoteError } from "../../core/errors.ts";
import { CONFIG_FILE, configNameBeside, hasWeightsName, WEIGHTS_FILE } from "../../formats/peft-folder/files.ts";
import { type FileVersion, versionOf } from "../file-version.ts";
import { request, type ServerAccess } from "../request.ts";
import { type WebPath, webName } from "./web-path.ts";
import { secretsOf } from "./web-secrets.ts";
import { NotServed, type WebOrigin, webServer } from "./web-server.ts";

/** A file of an adapter on a web server. */
export interface WebFile {
  /** Its name in the folder. */
  readonly file: string;
  /** What messages call it. */
  readonly name: string;
  /** Where requests go, with the query that was put aside. */
  readonly url: string;
  readonly size: number;
  readonly version: FileVersion;
}

/** What a web server has of an adapter. */
export interface WebListing {
  readonly name: string;
  readonly from: WebOrigin;
  readonly weights: WebFile;
  /** null where there is none beside the weights. */
  readonly config: WebFile | null;
}

/** How web servers are asked. */
export interface WebAccess extends ServerAccess {
  /** Addresses below which all requests must stay, those of redirects too. Default: anywhere. */
  readonly within?: readonly string[];
}

/**
 * Ask a web server what it has of an adapter: adapter_config.json and adapter_model.safetensors in a folder; or the file that the address
 * names, and the config beside it if there is one.
 *
 * @throws RemoteError in one sentence when the server does not have it, or does not say what is needed to read it safely
 */
export async function lookUpWeb(access: WebAccess, path: WebPath, signal: AbortSignal | null): Promise<WebListing> {
  const name = webName(path);
  const { authorization } = secretsOf(path.address);
  const from = { origin: new URL(path.address).origin, authorization, within: access.within ?? null };
  const ask = (file: string): Promise<WebFile> =>
    lookUpFile(access, from, { file, name: fileOf(name, file), url: urlOf(path, file) }, signal);
  if (path.file !== null) {
    const weights = await ask(path.file);
    // PEFT's own cannot be read without it, so it is said that it is not given.
    const needed = hasWeightsName(path.file) && !path.file.endsWith(".gguf");
    const config = await orNone(ask(configNameBeside(path.file)), needed ? NOT_THERE : NOT_GIVEN);
    return { name, from, weights, config };
  }
  const config = await orNone(ask(CONFIG_FILE), NOT_THERE);
  if (config === null) {
    throw new RemoteError(
      `${name} has no ${CONFIG_FILE}, and web servers do not list what a folder holds; pass the address of a file of weights, or of a folder with ${CONFIG_FILE} and ${WEIGHTS_FILE}.`,
    );
  }
  const weights = await orNone(ask(WEIGHTS_FILE), NOT_THERE);
  if (weights !== null) return { name, from, weights, config };
  throw new RemoteError(
    `${name} has ${CONFIG_FILE} but no ${WEIGHTS_FILE}; pass the address of its file of weights, or download the folder if it has several.`,
  );
}

/** Statuses for what is not there, and, from a store that lists nothing, for what may not be. */
const NOT_THERE = [404, 410];
const NOT_GIVEN = [...NOT_THERE, 401, 403];

/** null for what the server does not give out, by these statuses. */
async function orNone(asked: Promise<WebFile>, statuses: readonly number[]): Promise<WebFile | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof NotServed && statuses.includes(error.status)) return null;
    throw error;
  }
}

/** The URL of a file in the folder of an address. */
function urlOf({ address, folder, file: named }: WebPath, file: string): string {
  const { query } = secretsOf(address);
  return `${file === named ? address : `${folder}/${encodeURIComponent(file)}`}${query}`;
}

/** Ask for the first byte of a file. A signature often holds for GET alone, so HEAD is not used. */
function lookUpFile(
  access: ServerAccess,
  from: WebOrigin,
  file: Omit<WebFile, "size" | "version">,
  signal: AbortSignal | null,
): Promise<WebFile> {
  const { name, url } = file;
  const read = async (response: Response): Promise<WebFile> => {
    await response.body?.cancel();
    const { headers } = response;
    const version = versionOf(response);
    // What is asked for next is not there either.
    if (/^(?:text\/html|application\/xhtml)/i.test(headers.get("Content-Type") ?? "")) {
      throw new NotServed(
        `${name}: the server sends a web page in place of the file; pass the address that downloads the file itself.`,
        404,
      );
    }
    if (!/^(?:identity)?$/i.test(headers.get("Content-Encoding") ?? "")) {
      throw new RemoteError(`${name}: the server compresses the file; download it and pass it.`);
    }
    if (version.size === null) {
      throw new RemoteError(
        `${name}: the server does not say how long the file is (no Content-Length); download it and pass it.`,
      );
    }
    if (version.etag === null && version.modified === null) {
      throw new RemoteError(
        `${name}: the server says neither ETag nor Last-Modified, so that a change would not be seen; download it and pass it.`,
      );
    }
    return { ...file, size: version.size, version };
  };
  return request(webServer(access, name, from), url, read, { range: { from: 0, to: 1 }, signal });
}
