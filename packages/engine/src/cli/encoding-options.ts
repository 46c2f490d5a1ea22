/** `--encoding`, `--key-encoding`, `--value-encoding`. */
import { choice } from './arguments.ts';
import { ENCODINGS, type Encoding } from './notation.ts';

export interface Encodings {
  readonly keys: Encoding;
  readonly values: Encoding;
}

export const ENCODING_OPTIONS = {
  encoding: { type: 'string' },
  'key-encoding': { type: 'string' },
  'value-encoding': { type: 'string' },
} as const;

export const ENCODING_HELP = `  --encoding E              how keys and values are written: utf8 (default), hex, base64 or json
  --key-encoding E          of keys alone
  --value-encoding E        of values alone
                            utf8: what is no printable text is written \\\\ \\n \\r \\t \\xNN; put it in single quotes
                            json: the bytes are a JSON text themselves`;

export interface EncodingValues {
  readonly encoding?: string | undefined;
  readonly 'key-encoding'?: string | undefined;
  readonly 'value-encoding'?: string | undefined;
}

export function encodingsOf(values: EncodingValues): Encodings {
  const of = (option: keyof EncodingValues, otherwise: Encoding): Encoding => {
    const given = values[option];
    return given === undefined ? otherwise : choice(`--${option}`, given, ENCODINGS);
  };
  const both = of('encoding', 'utf8');
  return { keys: of('key-encoding', both), values: of('value-encoding', both) };
}
