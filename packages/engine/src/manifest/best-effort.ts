/**
 * Cleans up after a failure: what fails here must not hide that failure. What is left over is garbage by its name,
 * and goes at the next open.
 */
export function bestEffort(action: () => void): void {
  try {
    action();
  } catch {
    // Left for the next open.
  }
}
