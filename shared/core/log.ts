/** The log that users see: what happened, and what to do. No keys, no document content. */
export interface Log {
  debug(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}
