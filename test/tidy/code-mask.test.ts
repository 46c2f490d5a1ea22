import { describe, expect, test } from 'vitest';
import { lineAt, mask } from './code-mask.ts';

describe('masking code', () => {
  test.each([
    ['a // b', 'a     ', 'a     '],
    ['a /* b\n */ c', 'a     \n    c', 'a     \n    c'],
    ["x = 'a // b';", "x = 'a // b';", "x = '      ';"],
    ["x = 'it\\'s'; y", "x = 'it\\'s'; y", "x = '     '; y"],
    ['x = `a$' + '{b + `c`}d`; e', 'x = `a$' + '{b + `c`}d`; e', 'x = `  {b + ` `} `; e'],
    ['x = `a$' + '{{ b: 1 }.b}c`', 'x = `a$' + '{{ b: 1 }.b}c`', 'x = `  {{ b: 1 }.b} `'],
    ['x = /[\'"]/.test(y) // z', 'x = /[\'"]/.test(y)     ', 'x = /    /.test(y)     '],
    ['x = /[/]a/; b', 'x = /[/]a/; b', 'x = /    /; b'],
    ['x = a / b; // c / d', 'x = a / b;         ', 'x = a / b;         '],
  ])('%j', (text, withLiterals, codeOnly) => {
    expect(mask(text)).toEqual({ withLiterals, codeOnly });
  });

  test('keeps the place of everything', () => {
    const { codeOnly } = mask("// one\n'two'\nthree");
    expect(lineAt(codeOnly, codeOnly.indexOf('three'))).toBe(3);
  });
});
