import type { HubAccess } from "../../hub/request.ts";
import type { RemoteFile } from "../../hub/url-source.ts";

/** A file of an input as plain data: its path, bytes that were decoded into memory, or where it lies on the Hub. */
export type InputFile =
  | string
  | { readonly name: string; readonly bytes: Uint8Array }
  | ({ readonly remote: RemoteFile } & Pick<HubAccess, "endpoint" | "token">);

/** The files of each input, as its tensors count them. */
export type InputFiles = readonly (readonly InputFile[])[];

/** What a worker starts with. */
export interface WorkerStart {
  readonly kernels: WebAssembly.Module;
}

/** Where a worker's inputs and output are: each input's files, and the path of the output file; and what its method is in. */
export interface WorkerSetup {
  /** The module to import for a method from outside; null where the method is built in. */
  readonly methodModule: string | null;
  readonly inputs: InputFiles;
  readonly output: string;
}
