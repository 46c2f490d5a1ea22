/** Keys and values of tests are text, one byte per character. */
export const bytes = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text, 'latin1'));

export function text(bytes: Uint8Array): string;
export function text(bytes: Uint8Array | undefined): string | undefined;
export function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('latin1');
}

/** `k000042`: in the order of the numbers. */
export const key = (number: number): Uint8Array<ArrayBuffer> => bytes(`k${String(number).padStart(6, '0')}`);
