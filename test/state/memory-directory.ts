/** A folder that a user picked, in memory: as much of FileSystemDirectoryHandle as the page uses. */
export class MemoryDirectory {
  readonly name: string;
  /** The file that no folder within has space for. */
  full: string | null = null;
  readonly #folders = new Map<string, Map<string, string>>();

  constructor(name: string) {
    this.name = name;
  }

  async *keys(): AsyncIterable<string> {
    yield* this.#folders.keys();
  }

  async getDirectoryHandle(name: string) {
    const files = this.#folders.get(name) ?? new Map<string, string>();
    this.#folders.set(name, files);
    return { getFileHandle: async (file: string) => ({ createWritable: async () => this.#writable(files, file) }) };
  }

  /** What is written is there once it is closed. */
  #writable(files: Map<string, string>, file: string) {
    let text = "";
    return {
      write: async (bytes: Uint8Array) => {
        if (file === this.full) throw new Error(`no space for ${file}`);
        text += new TextDecoder().decode(bytes);
      },
      close: async () => void files.set(file, text),
    };
  }

  async removeEntry(name: string): Promise<void> {
    this.#folders.delete(name);
  }

  contents(): Record<string, Record<string, string>> {
    return Object.fromEntries(Array.from(this.#folders, ([name, files]) => [name, Object.fromEntries(files)]));
  }
}
