import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { type Clock, systemClock } from '@arena-level/common/base/clock';
import { open } from '../db/open-store.ts';
import { runCli } from './cli.ts';
import type { CliIo, ExitCode } from './command.ts';

/** Runs command lines in this process, with a folder of their own. */
export class CliHarness {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'arena-level-cli-'));
  readonly interrupt: AbortController = new AbortController();
  stdin: Readable = Readable.from([]);
  /** Of the last run. */
  stdout = '';
  stdoutBytes: Buffer = Buffer.alloc(0);
  stderr = '';
  stdoutIsTerminal = false;

  run(...args: string[]): Promise<ExitCode> {
    return this.#run(args, { interactive: false, clock: systemClock });
  }

  /** With progress, by a clock of the test's. */
  runOnTerminal(clock: Clock, ...args: string[]): Promise<ExitCode> {
    return this.#run(args, { interactive: true, clock });
  }

  async #run(args: readonly string[], over: Pick<CliIo, 'interactive' | 'clock'>): Promise<ExitCode> {
    this.stderr = '';
    const pieces: Buffer[] = [];
    const io: CliIo = {
      stdin: this.stdin,
      stdout: collector((piece) => void pieces.push(piece)),
      stderr: collector((piece) => {
        this.stderr += piece.toString();
      }),
      columns: 80,
      stdoutIsTerminal: this.stdoutIsTerminal,
      interrupt: this.interrupt.signal,
      ...over,
    };
    const code = await runCli(args, io, '1.2.3');
    this.stdoutBytes = Buffer.concat(pieces);
    this.stdout = this.stdoutBytes.toString();
    return code;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Writes a file and returns its path. */
  file(name: string, content: string): string {
    writeFileSync(this.path(name), content);
    return this.path(name);
  }

  /** The entries of a store below the folder, as text. */
  async contents(db: string): Promise<string[]> {
    const store = await open(this.path(db), { createIfMissing: false, flush: 'inline' });
    try {
      const entries: string[] = [];
      for await (const [key, value] of store.iterator())
        entries.push(`${Buffer.from(key!)} = ${Buffer.from(value!)}`);
      return entries;
    } finally {
      await store.close();
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function collector(take: (piece: Buffer) => void): Writable {
  return new Writable({
    write(piece: Buffer, _encoding, done) {
      take(piece);
      done();
    },
  });
}
