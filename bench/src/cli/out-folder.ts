import { accessSync, constants, mkdirSync } from 'node:fs';
import { OptionError } from './arguments.ts';

/** The folder of `--out`, made before anything is measured. Throws OptionError where nothing could be written in the end. */
export function prepareOut(out: string): void {
  try {
    mkdirSync(out, { recursive: true });
    accessSync(out, constants.W_OK);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new OptionError(`reports cannot be written to '${out}': ${why}`);
  }
}
