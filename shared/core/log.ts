/** The log of a sync, as users see it: what happened, and what to do. No keys, no content of documents. */
export interface Log {
  debug(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}
