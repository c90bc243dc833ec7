import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { HubAccess } from "../../remote/hub/hub-server.ts";
import type { WebAccess } from "../../remote/web/look-up.ts";
import { type Call, checkCall } from "../call/check-call.ts";
import { object } from "../call/rules.ts";
import { readText } from "../files/read-text.ts";

/** Hub settings from the environment variables that Python's huggingface_hub reads; other servers are read with them too, but for the token. */
export interface HubSettings extends HubAccess, WebAccess {
  /** Folder of the cache; what comes from other servers is in `<cache>-web`. */
  readonly cache: string;
  /** Whether only the cache may be used. */
  readonly offline: boolean;
}

const READ: Call<object> = {
  name: "hubSettings",
  takes: { env: object("an object of environment variables") },
  options: {},
};

/**
 * Read HF_ENDPOINT, HF_TOKEN (or the token that `hf auth login` stored), HF_HOME, HF_HUB_CACHE and HF_HUB_OFFLINE.
 *
 * @example
 * ```ts
 * import { hubSettings } from "lora-lego/node";
 *
 * const { endpoint, token, offline } = hubSettings({ HF_TOKEN: "hf_mine", HF_HUB_OFFLINE: "1", HF_HOME: "cache" });
 * console.log(endpoint, token, offline); // https://huggingface.co hf_mine true
 * ```
 */
export function hubSettings(env: Readonly<Record<string, string | undefined>> = process.env): HubSettings {
  checkCall(READ, [env]);
  const home = env.HF_HOME || join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "huggingface");
  const file = env.HF_TOKEN_PATH || join(home, "token");
  const stored = existsSync(file) ? readText(file) : "";
  const token = (env.HF_TOKEN || env.HUGGING_FACE_HUB_TOKEN || stored).trim();
  return {
    endpoint: (env.HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, ""),
    token: token === "" ? null : token,
    fetch,
    cache: env.HF_HUB_CACHE || join(home, "hub"),
    offline: /^(1|on|yes|true)$/i.test(env.HF_HUB_OFFLINE ?? ""),
  };
}
