const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 8000;

/** How long to wait after so many failures in a row, from 1 on: 1, 2, 4, 8, 8, … s, as goleveldb does. */
export function retryDelayMs(failures: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), MAX_RETRY_MS);
}
