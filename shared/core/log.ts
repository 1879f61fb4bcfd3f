/** Lines for the log of a sync. What users see: what happened, and what to do about it. No keys, no content of documents. */
export interface Log {
  debug(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}
