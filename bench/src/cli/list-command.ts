import { ENGINES } from '../engines/all-engines.ts';
import { WORKLOADS } from '../workloads/all-workloads.ts';
import { refusePositionals } from './arguments.ts';
import type { Command, ReadingCommand } from './command.ts';

const list: ReadingCommand['run'] = async (output) => {
  output.print('Engines');
  for (const { load, name, note } of ENGINES) {
    const loaded = await load();
    const state = typeof loaded === 'string' ? `left out: ${loaded}` : loaded.version;
    output.print(`  ${name.padEnd(14)} ${state.padEnd(10)} ${typeof loaded === 'string' ? '' : note}`);
  }
  output.print('\nWorkloads');
  for (const { about, name } of WORKLOADS) output.print(`  ${name.padEnd(20)} ${about}`);
};

export const listCommand: Command = {
  name: 'list',
  about: 'engines, with what keeps one out, and workloads',
  help: 'Usage: pnpm bench list\n',
  options: [],
  prepare(line) {
    refusePositionals(line);
    return { run: list };
  },
};
