/** Helpers for async generators that yield parts and return a result. */

/** Passes each value to `take`, returns the result. Closes the generator, also if `take` throws. */
export async function consume<T, Result>(
  source: AsyncGenerator<T, Result>,
  take: (value: T) => void = () => undefined,
): Promise<Result> {
  try {
    for (;;) {
      const step = await source.next();
      if (step.done) return step.value;
      take(step.value);
    }
  } finally {
    await source.return(undefined as Result);
  }
}

/** Maps the yielded values of a generator; returns its result. */
export async function* mapYields<T, U, Result>(
  source: AsyncGenerator<T, Result>,
  map: (value: T) => U | Promise<U>,
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

export interface PageEnd<Event, Position> {
  /** Where the next page begins; undefined at the end of the walk. */
  next: Position | undefined;
  /** Events to yield after the page. */
  events: readonly Event[];
}

/**
 * Walks pages one after another. A page yields events while it is read. The next page is requested before the
 * events at the end of a page are yielded, so that the server works while they are written (DEC4).
 */
export async function* walkPages<Event, Position>(
  start: Position,
  page: (at: Position) => AsyncGenerator<Event, PageEnd<Event, Position>>,
): AsyncGenerator<Event, void> {
  let current = page(start);
  let first = current.next();
  try {
    for (;;) {
      let step = await first;
      for (; !step.done; step = await current.next()) yield step.value;
      const { next, events } = step.value;
      if (next !== undefined) {
        current = page(next);
        first = current.next();
        // Prevents an unhandled rejection; the `await` above still throws.
        first.catch(() => undefined);
      }
      yield* events;
      if (next === undefined) return;
    }
  } finally {
    // Not awaited: a pending request would delay the end of the run.
    current.return(undefined as never).catch(() => undefined);
  }
}
