/** Where a dump goes, and how keys and values are written. */
import type { Encodings } from '../encoding-options.ts';
import { formatCount } from '../format.ts';
import { jsonOf, textOf } from '../notation.ts';
import type { Output } from '../output.ts';

export interface DumpTarget {
  readonly output: Output;
  readonly encodings: Encodings;
  readonly entries: boolean;
  readonly full: boolean;
  readonly json: boolean;
  /** In words, with file and offset. */
  readonly damage: string[];
}

const SHORT = 60;

/** What is printed as text, or as one object. JSON values that are JSON text already are given by `raw`. */
export function print(
  { output, json }: Pick<DumpTarget, 'output' | 'json'>,
  text: string,
  kind: string,
  fields: Readonly<Record<string, unknown>>,
  raw: Readonly<Record<string, string>> = {},
): void {
  if (!json) {
    output.line(text);
    return;
  }
  const given = Object.entries({ kind, ...fields }).filter(([, value]) => value !== undefined);
  const parts = given.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  for (const [name, value] of Object.entries(raw)) parts.push(`${JSON.stringify(name)}:${value}`);
  output.line(`{${parts.join(',')}}`);
}

/** What a dump begins with. `kind` names the file in both forms. */
export function printHead(target: DumpTarget, kind: string, file: string, sizeBytes: number): void {
  const words = `${kind[0]!.toUpperCase()}${kind.slice(1)} ${file}, ${formatCount(sizeBytes)} bytes`;
  print(target, words, kind, { file, sizeBytes });
}

/** Notes damage and prints it where it was met. */
export function printDamage(target: DumpTarget, message: string): void {
  target.damage.push(message);
  print(target, `damage: ${message}`, 'damage', { message });
}

export function keyText(key: Uint8Array, { encodings }: Pick<DumpTarget, 'encodings'>): string {
  return textOf(key, encodings.keys, 'a key');
}

export function valueText(value: Uint8Array, { encodings, full }: DumpTarget): string {
  const text = textOf(value, encodings.values, 'a value');
  return full || text.length <= SHORT ? text : `${text.slice(0, SHORT)}… (${value.length} bytes)`;
}

export function keyJson(key: Uint8Array, { encodings }: Pick<DumpTarget, 'encodings'>): string {
  return jsonOf(key, encodings.keys, 'a key');
}

export function valueJson(value: Uint8Array, { encodings }: Pick<DumpTarget, 'encodings'>): string {
  return jsonOf(value, encodings.values, 'a value');
}
