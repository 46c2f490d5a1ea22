import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { systemClock } from '@arena-level/common/base/clock';
import { runCli } from './cli.ts';
import type { ExitCode } from './command.ts';

/** Runs command lines in this process, with a folder of their own. */
export class CliHarness {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'arena-level-cli-'));
  readonly interrupt: AbortController = new AbortController();
  stdin: Readable = Readable.from([]);
  /** Of the last run. */
  stdout = '';
  stderr = '';

  async run(...args: string[]): Promise<ExitCode> {
    this.stdout = '';
    this.stderr = '';
    const io = {
      stdin: this.stdin,
      stdout: collector((text) => {
        this.stdout += text;
      }),
      stderr: collector((text) => {
        this.stderr += text;
      }),
      interactive: false,
      columns: 80,
      clock: systemClock,
      interrupt: this.interrupt.signal,
    };
    return await runCli(args, io, '1.2.3');
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Writes a file and returns its path. */
  file(name: string, content: string): string {
    writeFileSync(this.path(name), content);
    return this.path(name);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function collector(take: (text: string) => void): Writable {
  return new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      take(String(chunk));
      done();
    },
  });
}
