import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** In the checkout, so that stores lie on its disk: the system's folder for temporary files may be in memory. */
const DEFAULT_PARENT: string = fileURLToPath(new URL('../../../.bench/', import.meta.url));

/** A folder for the stores of one run of a benchmark, removed with all that is in it. */
export class WorkFolder {
  readonly path: string;
  readonly #parent: string | undefined;
  #stores = 0;

  /** Makes a folder in `parent`, or in `.bench` of the checkout. */
  constructor(parent?: string) {
    this.#parent = parent === undefined ? DEFAULT_PARENT : undefined;
    mkdirSync(parent ?? DEFAULT_PARENT, { recursive: true });
    this.path = mkdtempSync(join(parent ?? DEFAULT_PARENT, 'run-'));
  }

  /** Path for a new store; nothing is there yet. */
  newStore(): string {
    return join(this.path, `store-${this.#stores++}`);
  }

  removeStore(path: string): void {
    rmSync(path, { recursive: true, force: true });
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
    if (this.#parent === undefined) return;
    try {
      rmdirSync(this.#parent);
    } catch {
      // Another run is using it.
    }
  }
}
