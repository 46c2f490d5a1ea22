/** The bundled parse module of the program. `src/` and `dist/` lie side by side, so that this is right from either. */
export const pieceParserUrl: URL = new URL('../../../dist/ingest.parser.mjs', import.meta.url);
