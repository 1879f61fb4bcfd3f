/** The text is no state of this source. `message` continues "the saved state …". */
export class StateError extends Error {
  override readonly name = 'StateError';
}
