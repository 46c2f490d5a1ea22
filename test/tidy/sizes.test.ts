import { describe, expect, test } from 'vitest';
import {
  longFiles,
  longFunctions,
  MAX_FILE_LINES,
  MAX_FUNCTION_LINES,
  MAX_TEST_FILE_LINES,
} from './sizes.ts';
import { isTestCode, typeScriptFiles } from './source-tree.ts';

describe('the sources', () => {
  test(`have no file of more than ${MAX_FILE_LINES} lines, tests ${MAX_TEST_FILE_LINES}`, () => {
    expect(longFiles(typeScriptFiles())).toEqual([]);
  });

  test(`have no function of more than ${MAX_FUNCTION_LINES} lines`, () => {
    // The callback of a `describe` is a list of tests, not a function to be understood in one piece.
    expect(longFunctions(typeScriptFiles().filter((file) => !isTestCode(file.path)))).toEqual([]);
  });
});

function lines(count: number): string {
  return '  x();\n'.repeat(count);
}

describe('the size rules', () => {
  test.each([
    ['a.ts', MAX_FILE_LINES],
    ['a.test.ts', MAX_TEST_FILE_LINES],
    ['test/support/a.ts', MAX_TEST_FILE_LINES],
  ])('find %s when it is one line too long', (path, most) => {
    expect(longFiles([{ path, text: lines(most) }])).toEqual([]);
    expect(longFiles([{ path, text: lines(most + 1) }])).toEqual([`${path}: ${most + 1} lines`]);
  });

  test.each([
    ['a function', 'function f(a: number): Map<string, number> {'],
    ['a generator', 'export async function* f() {'],
    ['a method', '  #step(turn: (x: number) => void): void {'],
    ['an arrow function', 'const f = (a: string): void => {'],
    ['an arrow function without parentheses', 'list.forEach(a => {'],
    ['a callback', 'test("x", () => {'],
  ])('find %s that is one line too long', (_, head) => {
    const body = (count: number) => [{ path: 'a.ts', text: `\n${head}\n${lines(count)}}\n` }];
    expect(longFunctions(body(MAX_FUNCTION_LINES - 2))).toEqual([]);
    expect(longFunctions(body(MAX_FUNCTION_LINES - 1))).toEqual([
      `a.ts:2: a function of ${MAX_FUNCTION_LINES + 1} lines`,
    ]);
  });

  test('count the lines of parameters', () => {
    const parameters = '  a: number,\n'.repeat(MAX_FUNCTION_LINES);
    expect(longFunctions([{ path: 'a.ts', text: `function f(\n${parameters}): void {\n}\n` }])).toHaveLength(
      1,
    );
  });

  test.each(['if (a) {', 'for (const a of b(c)) {', 'class A {', 'const a = {', 'while (f()) {', 'do {'])(
    'leave out the braces of %s',
    (head) => {
      expect(longFunctions([{ path: 'a.ts', text: `${head}\n${lines(MAX_FUNCTION_LINES)}}\n` }])).toEqual([]);
    },
  );

  test('are not led astray by braces in literals', () => {
    const text = `function f() {\n  return '}';\n}\n${lines(MAX_FUNCTION_LINES)}`;
    expect(longFunctions([{ path: 'a.ts', text }])).toEqual([]);
  });
});
