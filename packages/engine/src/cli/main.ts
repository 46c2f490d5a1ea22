/**
 * The program `arena-level`: connects the process with `runCli` and does nothing else.
 *
 * SIGINT and SIGTERM ask the command to end in good order; a second one ends the process at once, as usual. A
 * reader that closes our stdout (`arena-level … | head`) ends the process quietly.
 */
import { createRequire } from 'node:module';
import { systemClock } from '@arena-level/common/base/clock';
import { runCli } from './cli.ts';
import { OutputClosed } from './command.ts';

const manifest = createRequire(import.meta.url)('../../package.json') as { readonly version: string };

const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort());

for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    // Nobody listens any more: what is under way still ends in good order.
    interrupt.abort(stream === process.stdout ? new OutputClosed() : undefined);
  });
}

process.exitCode = await runCli(
  process.argv.slice(2),
  {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    interactive: process.stderr.isTTY === true,
    columns: process.stderr.columns ?? 0,
    stdoutIsTerminal: process.stdout.isTTY === true,
    clock: systemClock,
    interrupt: interrupt.signal,
  },
  manifest.version,
);
