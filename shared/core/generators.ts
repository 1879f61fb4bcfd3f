/** Helpers for async generators. A generator's return value is the result of the whole, its yields are the parts. */

/** The same generator with each yielded value mapped; the return value is passed through. */
export async function* mapYields<T, U, Result>(
  source: AsyncGenerator<T, Result>,
  map: (value: T) => U,
): AsyncGenerator<U, Result> {
  try {
    for (;;) {
      const step = await source.next();
      if (step.done) return step.value;
      yield map(step.value);
    }
  } finally {
    await source.return(undefined as Result);
  }
}
