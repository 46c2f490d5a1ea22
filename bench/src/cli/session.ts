/** What a command that measures has around it: work folder, interrupt, progress, and the report at the end. */
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { TaskKind, TaskProgress, Tasks } from '../driver/task.ts';
import { type EngineChoice, loadEngines } from '../engines/all-engines.ts';
import { runInChild } from '../support/child-run.ts';
import type { Launcher } from '../support/instructions.ts';
import { type Machine, machine, machineText } from '../support/machine.ts';
import { count } from '../support/text-table.ts';
import type { WorkFolder } from '../support/work-folder.ts';
import type { Arguments } from './arguments.ts';
import { configurationText } from './configuration-text.ts';
import { prepareOut } from './out-folder.ts';
import { Progress } from './progress.ts';

const CHILD: string = fileURLToPath(new URL('../driver/child.js', import.meta.url));

/** A measured engine as the report names it. */
export interface EngineInfo {
  readonly name: string;
  readonly kind: 'own' | 'peer';
  readonly version: string;
  readonly note: string;
  readonly configuration: Readonly<Record<string, unknown>>;
}

export class Session {
  readonly machine: Machine = machine();
  readonly folder: WorkFolder;
  readonly interrupt: AbortSignal;
  readonly progress: Progress;
  readonly #output: Writable;

  constructor(folder: WorkFolder, interrupt: AbortSignal, output: Writable, isTerminal: boolean) {
    this.folder = folder;
    this.interrupt = interrupt;
    this.#output = output;
    this.progress = new Progress(output, isTerminal);
  }

  print(text: string): void {
    this.#output.write(`${text}\n`);
  }

  /**
   * Makes the folder of `--out`, loads the engines, and prints machine and configuration, and who cannot take part.
   * `threads`: stores will be used by several threads.
   */
  async begin(
    { engines, out, settings }: Arguments,
    { threads = false }: { readonly threads?: boolean } = {},
  ): Promise<{ engines: EngineInfo[]; missing: EngineChoice['missing'] }> {
    if (out !== undefined) prepareOut(out);
    const { missing, present } = await loadEngines(engines);
    this.print(machineText(this.machine));
    const { cacheBytes, compressible, keyBytes, valueBytes, writeBufferBytes } = settings;
    this.print(
      `Keys of ${keyBytes} bytes, values of ${valueBytes}, ${Math.round(compressible * 100)} % compressible; ` +
        `write buffers of ${writeBufferBytes / 2 ** 20} MiB, caches of ${cacheBytes / 2 ** 20} MiB\n`,
    );
    const infos = present.map(({ engine, loaded }): EngineInfo => {
      const setup = { location: '', cacheBytes, writeBufferBytes, sync: false, threads };
      const { kind, name, note } = engine;
      return { name, kind, version: loaded.version, note, configuration: loaded.configuration(setup) };
    });
    for (const { configuration, name, note, version } of infos) {
      this.print(`${name} ${version}: ${note}`);
      this.print(`    ${configurationText(configuration)}`);
    }
    for (const { name, why } of missing) this.print(`${name}: left out, ${why}`);
    this.print('');
    if (infos.length === 0) throw new Error('none of the engines is there');
    return { engines: infos, missing };
  }

  /** One run in a process of its own, with its progress on the line. */
  async run<K extends TaskKind>(
    kind: K,
    label: string,
    request: Tasks[K]['request'],
    launcher?: Launcher,
  ): Promise<Tasks[K]['result']> {
    return await runInChild<Tasks[K]['result'], TaskProgress>(
      CHILD,
      { kind, request },
      {
        label,
        interrupt: this.interrupt,
        ...launcher,
        onProgress: ({ elapsedMs, records }) =>
          this.progress.update(
            `${label}  ${count(records)} records, ${count((records * 1000) / Math.max(1, elapsedMs))}/s`,
          ),
      },
    );
  }
}
