import type { HubAccess } from "../../remote/hub/hub-server.ts";
import type { RemoteFile } from "../../remote/url-source.ts";

/** A file of an input as plain data: its path, bytes that were decoded into memory, or its place on the Hub. */
export type InputFile =
  | string
  | { readonly name: string; readonly bytes: Uint8Array }
  | ({ readonly remote: RemoteFile } & Pick<HubAccess, "endpoint" | "token">);

/** The files of each input, in the order that its tensors refer to. */
export type InputFiles = readonly (readonly InputFile[])[];

/** What a worker starts with. */
export interface WorkerStart {
  readonly kernels: WebAssembly.Module;
  /** When its owner began to start it, in milliseconds since the epoch. */
  readonly created: number;
}

/** A worker's inputs, the path of its output file (null if it writes nothing), the module of its method, and whether it is traced. */
export interface WorkerSetup {
  /** The module to import for an external method; null for a built-in one. */
  readonly methodModule: string | null;
  readonly inputs: InputFiles;
  readonly output: string | null;
  /** Whether it keeps what it does when. */
  readonly traced: boolean;
}
