import { EngineError, ErrorCode, messageOf } from '@arena-level/common/base/errors';

/** What a parse function is told beside its input. */
export interface ParseContext {
  /** `parseOptions` of the ingest. */
  readonly options: unknown;
  /** Path of the file, where the source is files. */
  readonly file: string | undefined;
}

/** Gives the entries of a line, a piece or a record; what a generator returns in the end is the piece's report. */
export type ParseFunction = (input: unknown, context: ParseContext) => Iterable<unknown>;

/** The parse functions of this thread, by the URLs of their modules: a module is loaded once. */
const loaded = new Map<string, Promise<ParseFunction>>();

/** Throws ARENA_INVALID_ARGUMENT for a module that cannot be loaded, or exports no such function. */
export function loadParser(module: string): Promise<ParseFunction> {
  let parser = loaded.get(module);
  if (parser === undefined) {
    parser = importParser(module);
    loaded.set(module, parser);
  }
  return parser;
}

async function importParser(module: string): Promise<ParseFunction> {
  let exported: { readonly parse?: unknown; readonly default?: unknown };
  try {
    exported = (await import(module)) as typeof exported;
  } catch (cause) {
    throw new EngineError(
      ErrorCode.InvalidArgument,
      `the parse module ${module} cannot be loaded: ${messageOf(cause)}`,
      { cause },
    );
  }
  const parse = exported.parse ?? exported.default;
  if (typeof parse === 'function') return parse as ParseFunction;
  throw new EngineError(
    ErrorCode.InvalidArgument,
    `the parse module ${module} exports no function, neither 'parse' nor as its default`,
  );
}
