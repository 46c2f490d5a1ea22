/** What an entry says of its key. On disk: never renumber. */
export const ValueKind = { Delete: 0, Put: 1 } as const;
export type ValueKind = (typeof ValueKind)[keyof typeof ValueKind];
