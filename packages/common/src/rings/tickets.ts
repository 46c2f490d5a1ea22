/**
 * The numbers of a thread's writes, as Int32 in shared memory: they wrap around. Two of them are compared by their
 * distance, so no more than 2^31 - 1 writes of one thread may be unanswered at a time; memory ends long before.
 */
export function ticketAfter(ticket: number): number {
  return (ticket + 1) | 0;
}

/** Whether a counter that has come to `counter` has passed `ticket`, or stands at it. */
export function hasReached(counter: number, ticket: number): boolean {
  return ((counter - ticket) | 0) >= 0;
}
