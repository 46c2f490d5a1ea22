/** Round after round, each beginning with another one. */
export function turns<T>(
  names: readonly T[],
  repeat: number,
): { readonly name: T; readonly repetition: number }[] {
  return Array.from({ length: repeat }, (_, repetition) =>
    names.map((_, turn) => ({ name: names[(turn + repetition) % names.length]!, repetition })),
  ).flat();
}
