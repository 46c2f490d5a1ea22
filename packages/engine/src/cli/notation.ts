/**
 * Keys and values as text, and back.
 *
 *     utf8     text; what is no printable text is escaped: \\ \n \r \t and \xNN for any other byte
 *     hex      two digits per byte
 *     base64   with padding
 *     json     bytes that are a JSON text themselves
 *
 * The first three can write down any bytes, on a terminal too, and read back what they wrote.
 */
import { isUtf8 } from 'node:buffer';
import { CommandError, UsageError } from './errors.ts';

export const ENCODINGS = ['utf8', 'hex', 'base64', 'json'] as const;
export type Encoding = (typeof ENCODINGS)[number];

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };
const UNESCAPES: Readonly<Record<string, string>> = { '\\': '\\', n: '\n', r: '\r', t: '\t' };

/** Control and format characters, those of private use and unassigned ones, separators of lines; and the backslash. */
const ESCAPED = /[\\\p{C}\p{Zl}\p{Zp}]/u;
const ESCAPED_ALL = new RegExp(ESCAPED, 'gu');

/** The bytes that `text` stands for. Throws UsageError; `what` names the argument. */
export function bytesOf(text: string, encoding: Encoding, what: string): Uint8Array<ArrayBuffer> {
  switch (encoding) {
    case 'utf8':
      return unescaped(text, what);
    case 'hex':
      if (!/^(?:[0-9a-f]{2})*$/i.test(text)) throw wrong(what, text, 'is not hexadecimal');
      return own(Buffer.from(text, 'hex'));
    case 'base64': {
      const bytes = Buffer.from(text, 'base64');
      if (unpadded(bytes.toString('base64')) !== unpadded(text)) throw wrong(what, text, 'is not base64');
      return own(bytes);
    }
    case 'json':
      if (!isJson(text)) throw wrong(what, text, 'is not JSON');
      return own(Buffer.from(text));
  }
}

/** Bytes as text in one line. Throws CommandError for bytes that are no JSON; `what` names them. */
export function textOf(bytes: Uint8Array, encoding: Encoding, what: string): string {
  switch (encoding) {
    case 'utf8':
      return escaped(bytes);
    case 'hex':
    case 'base64':
      return bufferOf(bytes).toString(encoding);
    case 'json': {
      const text = bufferOf(bytes).toString();
      if (!isUtf8(bytes) || !isJson(text))
        throw new CommandError(`${what} is not JSON; choose another encoding`);
      // In a JSON text they stand between values only.
      return text.replace(/[\r\n]+/g, ' ').trim();
    }
  }
}

/** The same as a JSON value: a string, or what the bytes say themselves. */
export function jsonOf(bytes: Uint8Array, encoding: Encoding, what: string): string {
  const text = textOf(bytes, encoding, what);
  return encoding === 'json' ? text : JSON.stringify(text);
}

/** True for what a terminal shows as it is: text with line breaks and tabs. */
export function isPlainText(bytes: Uint8Array): boolean {
  return (
    isUtf8(bytes) &&
    !ESCAPED.test(
      bufferOf(bytes)
        .toString()
        .replaceAll(/[\n\r\t\\]/g, ''),
    )
  );
}

function escaped(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return escapedText(bufferOf(bytes).toString());
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = sequenceLength(bytes[at]!);
    const sequence = bytes.subarray(at, at + length);
    if (sequence.length === length && isUtf8(sequence)) {
      text += escapedText(bufferOf(sequence).toString());
      at += length;
    } else {
      text += hexEscape(bytes[at]!);
      at++;
    }
  }
  return text;
}

function escapedText(text: string): string {
  if (!ESCAPED.test(text)) return text;
  return text.replace(ESCAPED_ALL, (one) => ESCAPES[one] ?? [...Buffer.from(one)].map(hexEscape).join(''));
}

/** Bytes of the character that a byte of UTF-8 begins. */
function sequenceLength(lead: number): number {
  if (lead < 0xc0) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

function hexEscape(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`;
}

function unescaped(text: string, what: string): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < text.length; ) {
    const backslash = text.indexOf('\\', at);
    if (backslash < 0) {
      parts.push(Buffer.from(text.slice(at)));
      break;
    }
    parts.push(Buffer.from(text.slice(at, backslash)));
    const [written, plain, hex] = /^\\(?:([\\nrt])|x([0-9a-fA-F]{2}))/.exec(text.slice(backslash)) ?? [];
    if (written === undefined) {
      const found = text.slice(backslash, backslash + 2);
      throw new UsageError(
        `${what} has '${found}', which is no escape; there are \\\\, \\n, \\r, \\t and \\xNN`,
      );
    }
    parts.push(hex === undefined ? Buffer.from(UNESCAPES[plain!] ?? '') : Buffer.from(hex, 'hex'));
    at = backslash + written.length;
  }
  return own(Buffer.concat(parts));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function unpadded(base64: string): string {
  return base64.replace(/=+$/, '');
}

function wrong(what: string, text: string, why: string): UsageError {
  // A backslash stays what was typed.
  return new UsageError(`${what} '${escapedText(text).replaceAll('\\\\', '\\')}' ${why}`);
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** A copy in memory of its own. */
function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
