/** What a size costs above its share of records: levels get deeper, caches do not get larger. */
const DEEPER = 1.3;

/** Whether a size that is `growth` times the last one, which took `lastMs`, ends before `budgetMs` is used up. Pure. */
export function withinHours(usedMs: number, lastMs: number, growth: number, budgetMs: number): boolean {
  return usedMs + lastMs * growth * DEEPER <= budgetMs;
}
