import { lineAt, mask } from './code-mask.ts';
import { isTestCode, type TextFile } from './source-tree.ts';

export const MAX_FILE_LINES = 400;
/** A list of tests is read one at a time, so that it may be longer. */
export const MAX_TEST_FILE_LINES = 600;
export const MAX_FUNCTION_LINES = 70;

export function longFiles(files: readonly TextFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
    return lines > (isTestCode(path) ? MAX_TEST_FILE_LINES : MAX_FILE_LINES)
      ? [`${path}: ${lines} lines`]
      : [];
  });
}

/** Functions, methods and arrow functions with a body of more lines than allowed, from their head to their end. */
export function longFunctions(files: readonly TextFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const { codeOnly } = mask(text);
    return bodiesOf(codeOnly).flatMap(([start, end]) => {
      const first = lineAt(codeOnly, start);
      const lines = lineAt(codeOnly, end) - first + 1;
      return lines > MAX_FUNCTION_LINES ? [`${path}:${first}: a function of ${lines} lines`] : [];
    });
  });
}

/** Where function bodies begin (at the parenthesis of their parameters) and end. */
function bodiesOf(code: string): [start: number, end: number][] {
  const found: [number, number][] = [];
  const braces: { readonly at: number; readonly head: number | undefined }[] = [];
  for (let at = 0; at < code.length; at++) {
    if (code[at] === '{') braces.push({ at, head: headOf(code, at) });
    if (code[at] !== '}') continue;
    const open = braces.pop();
    if (open?.head !== undefined) found.push([open.head, at]);
  }
  return found.sort((a, b) => a[0] - b[0]);
}

const BLOCK_WORD = /\b(if|for|while|switch|catch|with)\s*$/;
/** What stands between the parameters of a function and its body: a return type, an arrow, or nothing. */
const RETURN_TYPE = /\)\s*(?::\s*[^;={}()]+?)?\s*(?:=>)?\s*$/;

/** Where the parameters of the function begin whose body begins at `brace`; undefined for other braces. */
function headOf(code: string, brace: number): number | undefined {
  const before = code.slice(Math.max(0, brace - 400), brace);
  const match = RETURN_TYPE.exec(before);
  if (match === null) return /=>\s*$/.test(before) ? brace : undefined;
  const close = brace - before.length + match.index;
  let depth = 0;
  for (let at = close; at >= 0; at--) {
    if (code[at] === ')') depth++;
    if (code[at] === '(' && --depth === 0)
      return BLOCK_WORD.test(code.slice(Math.max(0, at - 20), at)) ? undefined : at;
  }
  return undefined;
}
