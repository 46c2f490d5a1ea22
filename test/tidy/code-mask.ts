/**
 * Blanks comments, or comments and literals, of TypeScript, so that rules can look for code with plain patterns.
 * Everything keeps its place: a blanked character becomes a space, line ends stay.
 *
 * A reduced lexer: it knows comments, quotes, templates with their `${}` and regular expressions. It is exact for
 * formatted code; TypeScript's own scanner has no JavaScript interface in the version used here.
 */
export interface Masked {
  /** Without comments; literals are there. */
  readonly withLiterals: string;
  /** Without comments and without what is inside literals. */
  readonly codeOnly: string;
}

const REGEX_AFTER =
  /(?:^|[(,=:[!&|?{};+\-*%~^<>]|\b(?:return|typeof|case|in|of|do|else|void|yield|await))\s*$/;

export function mask(text: string): Masked {
  const withLiterals = text.split('');
  const codeOnly = text.split('');
  const blank = (start: number, end: number, target: string[]): void => {
    for (let at = start; at < end; at++) if (target[at] !== '\n') target[at] = ' ';
  };
  // Depths of braces at which a template goes on.
  const templates: number[] = [];
  let depth = 0;
  let at = 0;
  const literal = (end: number): void => {
    blank(at + 1, end - 1, codeOnly);
    at = end;
  };
  while (at < text.length) {
    const char = text[at]!;
    if (text.startsWith('//', at) || text.startsWith('/*', at)) {
      const end = endOfComment(text, at);
      blank(at, end, withLiterals);
      blank(at, end, codeOnly);
      at = end;
    } else if (char === "'" || char === '"') {
      literal(endOfQuoted(text, at));
    } else if (char === '/' && REGEX_AFTER.test(codeOnly.slice(Math.max(0, at - 40), at).join(''))) {
      literal(endOfRegex(text, at));
    } else if (char === '`' || (char === '}' && templates.at(-1) === depth)) {
      if (char === '}') templates.pop();
      const end = endOfTemplatePart(text, at + 1);
      if (text[end - 1] === '{') templates.push(depth);
      literal(end);
    } else {
      if (char === '{') depth++;
      if (char === '}') depth--;
      at++;
    }
  }
  return { withLiterals: withLiterals.join(''), codeOnly: codeOnly.join('') };
}

function endOfComment(text: string, start: number): number {
  const line = text.startsWith('//', start);
  const end = text.indexOf(line ? '\n' : '*/', start + 2);
  return end < 0 ? text.length : end + (line ? 0 : 2);
}

function endOfQuoted(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== text[start] && text[at] !== '\n') at += text[at] === '\\' ? 2 : 1;
  return Math.min(text.length, at + 1);
}

function endOfRegex(text: string, start: number): number {
  let inClass = false;
  for (let at = start + 1; at < text.length && text[at] !== '\n'; at++) {
    const char = text[at];
    if (char === '\\') at++;
    else if (char === '[') inClass = true;
    else if (char === ']') inClass = false;
    else if (char === '/' && !inClass) return at + 1;
  }
  return start + 2;
}

/** Behind the closing backtick, or behind the `${` that interrupts the template. */
function endOfTemplatePart(text: string, start: number): number {
  let at = start;
  while (at < text.length && text[at] !== '`') {
    if (text.startsWith('${', at)) return at + 2;
    at += text[at] === '\\' ? 2 : 1;
  }
  return Math.min(text.length, at + 1);
}

export function lineAt(text: string, index: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < index; at = text.indexOf('\n', at + 1)) line++;
  return line;
}
