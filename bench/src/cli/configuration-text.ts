import { count } from '../support/text-table.ts';

export function configurationText(configuration: Readonly<Record<string, unknown>>): string {
  return Object.entries(configuration)
    .map(([name, value]) => `${name} ${typeof value === 'number' ? count(value) : String(value)}`)
    .join(', ');
}
