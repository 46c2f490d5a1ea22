/** The seed of a random test, from the environment when a run is to be repeated. */
export function seedFromEnvironment(otherwise: number): number {
  const given = process.env['SEED'];
  return given === undefined || given === '' ? otherwise : Number(given);
}
