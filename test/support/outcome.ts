/** What a call comes to: its result, or the code of its error, or its class where it has none. */
export async function outcomeOf(call: () => unknown): Promise<unknown> {
  try {
    return { value: await call() };
  } catch (error) {
    const { name, code, cause } = error as NodeJS.ErrnoException;
    return { name, code, ...(cause === undefined ? {} : { cause: (cause as NodeJS.ErrnoException).code }) };
  }
}
