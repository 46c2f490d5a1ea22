/** Colours that stay apart on a light and on a dark ground, for most kinds of colour vision. */
import { ENGINES } from '../engines/all-engines.ts';
import type { MarkKind } from '../engines/engine.ts';

export interface Shade {
  readonly light: string;
  readonly dark: string;
}

/** After Okabe and Ito: blue, orange, green, purple, sky, red, brown, grey, yellow. */
export const PALETTE: readonly Shade[] = [
  { light: '#0068b5', dark: '#58a6ff' },
  { light: '#d9680f', dark: '#ff9e4a' },
  { light: '#00875f', dark: '#3ddc97' },
  { light: '#9c4fb0', dark: '#d893ea' },
  { light: '#c02b3f', dark: '#ff6b7d' },
  { light: '#0f8fa8', dark: '#5fd4e8' },
  { light: '#8a6d1b', dark: '#d6b656' },
  { light: '#6e7781', dark: '#a8b1bb' },
  { light: '#5b4a3a', dark: '#c8b09a' },
];

export const MARK_SHADES: Readonly<Record<MarkKind, Shade>> = {
  rotation: { light: '#24292f', dark: '#e6edf3' },
  flush: { light: '#3b8fd9', dark: '#3f8fd6' },
  compaction: { light: '#b08800', dark: '#c9a227' },
  stall: { light: '#c02b3f', dark: '#ff6b7d' },
};

/** The same for an engine in every picture; the last one for what is no engine. */
export function colorOf(engine: string | undefined): number {
  const at = ENGINES.findIndex(({ name }) => name === engine);
  return at === -1 ? 7 : at % PALETTE.length;
}
