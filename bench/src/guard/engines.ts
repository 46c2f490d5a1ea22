/** Who is compared with whom. Changing them makes committed figures worthless. */
export const GUARD_ENGINE = 'arena';
export const GUARD_PEER = 'classic-level';
